#include "multipl_moe/train/upcycled_tensors.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/make.hpp"
#include "multipl_moe/model/skeleton_block.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/model/upcycle_block.hpp"

namespace multipl_moe {

namespace {

constexpr std::string_view shared_ffn = "mlp.shared_expert.";

std::string layer_prefix(std::int64_t layer) { return fmt::format("model.layers.{}.", layer); }

/// Removes the number at the start of `text` and returns it.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

}  // namespace

UpcycledTensors::UpcycledTensors(const StoredModel& dense, const MoeConfig& mixture, const moe::Upcycling& start,
                                 int threads)
    : dense_(dense),
      config_(upcycled_config(dense.config(), mixture, start)),
      work_(work_of(mixture)),
      start_(start),
      trains_(post_training_weights(config_)) {
  context_.threads = threads;
  dense.require_exactly(planned(list_tensors(dense.config())));
}

std::int64_t UpcycledTensors::most_bytes() const {
  const std::string first = layer_prefix(0);
  const auto values_in = [](const ModelConfig& config, const std::string& prefix) {
    std::int64_t values = 0;
    for (const ListedTensor& tensor : list_tensors(config))
      if (tensor.name.starts_with(prefix)) values += tensor.count();
    return values;
  };
  const std::int64_t layer = values_in(dense_.config(), first), ffn = values_in(dense_.config(), first + "mlp.");
  const std::int64_t expert = std::max(ffn, 3 * config_.hidden_size * config_.expert_width());
  // The dense FFN, both layers (full, or without their experts), and one expert.
  const std::int64_t held =
      config_.moe->is_adapted() ? layer + values_in(config_, first) + ffn : 2 * (layer - ffn) + ffn + expert;
  return 4 * (held + 2 * values_at_once);
}

std::optional<UpcycledTensors::Place> UpcycledTensors::place_of(std::string_view name) {
  constexpr std::string_view layers = "model.layers.", experts = "experts.";
  if (!name.starts_with(layers)) return std::nullopt;
  name.remove_prefix(layers.size());
  const auto layer = take_number(name);
  if (!layer || !name.starts_with('.')) return std::nullopt;
  name.remove_prefix(1);
  Place place{.layer = *layer, .inside = name, .projection = {}, .expert = {}, .index = std::nullopt};
  if (name.starts_with(shared_ffn)) {
    place.expert = shared_ffn;
    place.projection = name.substr(shared_ffn.size());
  } else if (const std::size_t at = name.find(experts); at != std::string_view::npos) {
    std::string_view rest = name.substr(at + experts.size());
    place.index = take_number(rest);
    place.projection = rest.substr(1);
    place.expert = name.substr(0, name.size() - place.projection.size());
  }
  return place;
}

std::string UpcycledTensors::source_of(const ListedTensor& tensor, const std::optional<Place>& place) const {
  if (!place) return tensor.name;
  if (!place->expert.empty()) {
    const bool made_differ = start_.noise_deviation > 0 || start_.reinitialized > 0;
    if (!work_.has_copies || (made_differ && trains_(tensor.name))) return {};
    return fmt::format("{}mlp.{}", layer_prefix(place->layer), place->projection);
  }
  const bool is_made = place->inside.starts_with("mlp.") && !work_.keeps_ffn;
  return dense_.tensors().contains(tensor.name) && !is_made ? tensor.name : std::string();
}

const Layer::Dense& UpcycledTensors::dense_ffn(std::int64_t layer) {
  if (dense_layer_ == layer) return dense_ffn_;
  dense_ffn_ = {config_.hidden_size, config_.intermediate_size};
  Layer::Dense::visit_parameters(
      [&](const std::string& name, auto& weight) {
        dense_.tensors().read_floats(name, {weight.data(), static_cast<std::size_t>(weight.size())});
      },
      layer_prefix(layer) + "mlp.", dense_ffn_);
  dense_layer_ = layer;
  return dense_ffn_;
}

const Layer::Dense& UpcycledTensors::expert(const Place& place) {
  std::string name = layer_prefix(place.layer) + std::string(place.expert);
  if (name == expert_name_) return expert_;
  expert_ = work_.make_expert(context_, dense_ffn(place.layer), config_, place.index, start_, name);
  expert_name_ = std::move(name);
  return expert_;
}

void UpcycledTensors::begin_layer(std::int64_t layer) {
  if (block_layer_ == layer) return;
  // Adapters are as wide as the FFN that they adapt, so they need a full layer.
  const bool whole = config_.moe->is_adapted();
  const auto make = [&](const ModelConfig& config) {
    return whole ? make_block(config, attention_shape(config, layer), make_layer) : skeleton_block(config);
  };
  Block<Layer> dense = make(dense_.config());
  if (whole) moe::copy_weights(dense_ffn(layer), *dense.mlp.as<Layer::Dense>());
  block_ = make(config_);
  upcycle_block(context_, *config_.moe, dense, block_, start_, layer);
  block_layer_ = layer;
}

void UpcycledTensors::write_of_layer(const ListedTensor& tensor, const Place& place, TensorSink& sink) {
  begin_layer(place.layer);
  const bool written = find_tensor(block_, layer_prefix(place.layer), tensor.name,
                                   [&](std::span<const float> values) { sink.write_floats(values); });
  if (!written)
    throw BadFile(dense_.tensors().path(), fmt::format("must hold the tensor '{}', found none", tensor.name));
}

void UpcycledTensors::operator()(const ListedTensor& tensor, TensorSink& sink) {
  const auto place = place_of(tensor.name);
  if (const std::string source = source_of(tensor, place); !source.empty()) {
    copy_weight(dense_, source, tensor.shape, sink);
  } else if (place->expert.empty()) {
    write_of_layer(tensor, *place, sink);
  } else {
    Layer::Dense::visit_parameters(
        [&](const std::string& name, const auto& weight) {
          if (name == place->projection) sink.write_floats({weight.data(), static_cast<std::size_t>(weight.size())});
        },
        std::string(), expert(*place));
  }
}

}  // namespace multipl_moe
