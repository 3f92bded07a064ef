#include "multipl_moe/io/stored_model.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <set>
#include <vector>

#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"

namespace multipl_moe {

namespace {

constexpr const char* head_name = "lm_head.weight";
constexpr const char* embedding_name = "model.embed_tokens.weight";

/// Checks the number of layers and experts before the first tensor is read, because memory is allocated for them: every
/// layer has at least one tensor and every expert at least one value.
void require_room_for_layers(const ModelConfig& config, const TensorFolder& tensors) {
  const auto layers = static_cast<std::uint64_t>(config.num_hidden_layers);
  std::uint64_t experts = 1, values = 0;
  if (config.moe) experts = static_cast<std::uint64_t>(config.moe->num_token_experts + config.moe->num_segment_experts);
  for (const auto& [name, tensor] : tensors.tensors()) values += static_cast<std::uint64_t>(tensor.count());
  if (layers > tensors.tensors().size() || (!(config.moe && config.moe->is_adapted()) && layers * experts > values))
    throw BadFile(tensors.path(), fmt::format("must hold the {} of {} that config.json gives, found {} of {}",
                                              counted(layers, "layers"), counted(experts, "experts"),
                                              counted(tensors.tensors().size(), "tensors"), counted(values, "values")));
}

}  // namespace

StoredModel StoredModel::open(const std::filesystem::path& folder) {
  StoredModel model(read_stored_config(folder), open_tensors(folder));
  require_room_for_layers(model.config(), model.tensors());
  if (const auto& misplaced = model.tensors().misplaced(); !misplaced.empty())
    notice_once(fmt::format(
        "note: {}: {} read from files other than those that the index lists: {}\n", model.tensors().path().native(),
        misplaced.size() == 1 ? "a tensor is" : fmt::format("{} tensors are", misplaced.size()), misplaced.front()));
  bool& is_tied = model.config_.model.tie_word_embeddings;
  if (is_tied && has_own_head(model.tensors())) {
    is_tied = false;
    notice_once(fmt::format(
        "note: {} sets tie_word_embeddings, but {} and {} are stored and differ: both are kept, and the model is not "
        "tied\n",
        (folder / "config.json").native(), head_name, embedding_name));
  }
  return model;
}

std::string_view StoredModel::stored_name(std::string_view name) const {
  if (!config().tie_word_embeddings || (name != head_name && name != embedding_name)) return name;
  return tensors_.contains(embedding_name) ? embedding_name : tensors_.contains(head_name) ? head_name : name;
}

StoredPart StoredModel::find(std::string_view name, std::span<const std::int64_t> shape) const {
  name = stored_name(name);
  const std::int64_t experts = config().moe ? config().moe->num_token_experts : 0;
  std::vector<std::string> names;
  for (StoredPart& part : stored_parts(name, shape, experts)) {
    const auto found = tensors_.tensors().find(part.name);
    names.push_back(fmt::format("'{}'", escaped(part.name)));
    if (found == tensors_.tensors().end()) continue;
    if (found->second.shape != part.shape)
      throw BadFile(tensors_.path_of(part.name),
                    fmt::format("{} must have the shape [{}] that config.json gives, found [{}]", escaped(part.name),
                                fmt::join(part.shape, ", "), fmt::join(found->second.shape, ", ")));
    return std::move(part);
  }
  throw BadFile(tensors_.path(), fmt::format("must hold the tensor {}, found {}", fmt::join(names, " or "),
                                             counted(tensors_.tensors().size(), "others")));
}

void StoredModel::read_floats(std::string_view name, std::span<const std::int64_t> shape, std::uint64_t first,
                              std::span<float> values) const {
  const StoredPart part = find(name, shape);
  const auto count = static_cast<std::uint64_t>(element_count(shape).value());
  if (first > count || values.size() > count - first)
    throw Failure(fmt::format("[{}] {} has {}, requested: {} from {} on", escaped(tensors_.path().native()),
                              escaped(name), counted(count, "elements"), values.size(), first));
  tensors_.read_floats(part.name, part.first + first, values);
}

bool StoredModel::is_idle(std::string_view name, const TensorEntry& tensor) const {
  if (config().tie_word_embeddings && name == head_name) return true;
  // A shared expert of width 0, and the gate of its empty output.
  if (config_.has_empty_shared_expert && name.find(".mlp.shared_expert") != name.npos)
    return tensor.count() == 0 || name.ends_with(".mlp.shared_expert_gate.weight");
  // Older files hold the frequencies of RoPE, which follow from rope_theta.
  return name.ends_with(".self_attn.rotary_emb.inv_freq");
}

void StoredModel::require_exactly(std::span<const PlannedTensor> wanted) const {
  std::set<std::string, std::less<>> used;
  for (const PlannedTensor& tensor : wanted) used.insert(find(tensor.name, tensor.shape).name);
  for (const auto& [name, tensor] : tensors_.tensors())
    if (!used.contains(name) && !is_idle(name, tensor))
      throw BadFile(tensors_.path_of(name),
                    "has a tensor that the model of config.json does not have: " + escaped(name));
}

bool has_own_head(const TensorFolder& tensors) {
  if (!tensors.contains(head_name) || !tensors.contains(embedding_name)) return false;
  if (tensors.entry(head_name).shape != tensors.entry(embedding_name).shape) return true;
  constexpr std::uint64_t at_once = std::uint64_t{1} << 20;
  const auto count = static_cast<std::uint64_t>(tensors.entry(head_name).count());
  std::vector<float> head(std::min(count, at_once)), embedding(head.size());
  for (std::uint64_t first = 0; first < count; first += at_once) {
    const std::size_t values = std::min(count - first, at_once);
    tensors.read_floats(head_name, first, std::span(head).first(values));
    tensors.read_floats(embedding_name, first, std::span(embedding).first(values));
    // Bitwise, so that a NaN equals itself.
    const auto same = [](float a, float b) {
      return std::bit_cast<std::uint32_t>(a) == std::bit_cast<std::uint32_t>(b);
    };
    if (!std::equal(head.begin(), head.begin() + static_cast<std::ptrdiff_t>(values), embedding.begin(), same))
      return true;
  }
  return false;
}

ModelConfig read_config_of_files(const std::filesystem::path& folder) {
  ModelConfig config = read_config_of(folder);
  if (config.tie_word_embeddings && TensorFolder::is_in(folder))
    config.tie_word_embeddings = !has_own_head(open_tensors(folder));
  return config;
}

const std::string& embedding_dtype(const TensorFolder& tensors) {
  const bool head_is_both = tensors.contains(head_name) && !tensors.contains(embedding_name);
  return tensors.entry(head_is_both ? head_name : embedding_name).dtype;
}

}  // namespace multipl_moe
