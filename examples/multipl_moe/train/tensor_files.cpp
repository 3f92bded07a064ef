#include "multipl_moe/train/tensor_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <set>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// Calls `write` with each tensor in the writer's order.
template <class Tensor, class Write>
void write_in_order(ShardedWriter& writer, std::span<const Tensor> tensors, const Write& write) {
  std::map<std::string_view, const Tensor*> named;
  for (const Tensor& tensor : tensors) named[tensor.name] = &tensor;
  for (const PlannedTensor& next : writer.order()) write(*named.at(next.name));
  writer.finish();
}

/// Throws BadFile unless the folder has exactly these tensors, in these shapes.
template <class Tensor>
void require_exactly(const TensorFolder& folder, std::span<const Tensor> tensors) {
  std::set<std::string_view> known;
  for (const Tensor& tensor : tensors) {
    const TensorEntry& entry = folder.entry(tensor.name);
    if (entry.shape != tensor.shape)
      throw BadFile(folder.path_of(tensor.name),
                    fmt::format("{} must have the shape [{}] that config.json gives, found [{}]", escaped(tensor.name),
                                fmt::join(tensor.shape, ", "), fmt::join(entry.shape, ", ")));
    known.insert(tensor.name);
  }
  for (const auto& [name, tensor] : folder.tensors())
    if (!known.contains(name))
      throw BadFile(folder.path_of(name), "has a tensor that the model of config.json does not have: " + escaped(name));
}

bool is_bfloat16(const TensorSlot& slot) { return slot.dtype == "BF16"; }

/// Calls use(first, values) with the values of a slot in bfloat16, piece by piece, as float.
template <class Use>
void for_each_widened(std::span<const moe::BFloat16> narrow, const Use& use) {
  constexpr std::size_t at_once = std::size_t{1} << 16;
  std::vector<float> values(std::min(at_once, narrow.size()));
  for (std::size_t first = 0; first < narrow.size(); first += at_once) {
    const auto piece = narrow.subspan(first, std::min(at_once, narrow.size() - first));
    std::transform(piece.begin(), piece.end(), values.begin(), [](moe::BFloat16 value) { return moe::widened(value); });
    use(std::span<const float>(values).first(piece.size()));
  }
}

}  // namespace

std::vector<PlannedTensor> planned(std::span<const TensorSlot> slots, std::string_view dtype) {
  // Weights that a model in bfloat16 has in float would lose bits in a file of bfloat16.
  const bool keeps_floats = dtype == "BF16" && std::any_of(slots.begin(), slots.end(), is_bfloat16);
  std::vector<PlannedTensor> tensors;
  for (const TensorSlot& slot : slots) {
    const bool is_float = slot.is_buffer || (keeps_floats && !is_bfloat16(slot));
    tensors.push_back({slot.name, std::string(is_float ? "F32" : dtype), slot.shape});
  }
  return tensors;
}
std::vector<PlannedTensor> planned(std::span<const StateTensor> state) {
  std::vector<PlannedTensor> tensors;
  for (const StateTensor& tensor : state) tensors.push_back({tensor.name, std::string(tensor.dtype), tensor.shape});
  return tensors;
}

void write_tensors(ShardedWriter& writer, std::span<const TensorSlot> slots) {
  write_in_order(writer, slots, [&](const TensorSlot& slot) {
    writer.write_floats(slot.values);
    for_each_widened(slot.narrow, [&](std::span<const float> values) { writer.write_floats(values); });
  });
}
void write_tensors(ShardedWriter& writer, std::span<const StateTensor> state) {
  write_in_order(writer, state, [&](const StateTensor& tensor) { writer.write(tensor.bytes); });
}

void read_tensors(const TensorFolder& folder, std::span<const StateTensor> state) {
  require_exactly(folder, state);
  for (const StateTensor& tensor : state) {
    const TensorEntry& entry = folder.entry(tensor.name);
    if (entry.dtype != tensor.dtype)
      throw BadFile(folder.path_of(tensor.name), fmt::format("{} must have the dtype {} of this run, found {}",
                                                             escaped(tensor.name), tensor.dtype, escaped(entry.dtype)));
  }
  for (const StateTensor& tensor : state) folder.read(tensor.name, tensor.bytes);
}

void read_tensor(const StoredModel& model, const TensorSlot& slot) {
  if (!is_bfloat16(slot)) return model.read_floats(slot.name, slot.shape, 0, slot.values);
  constexpr std::size_t at_once = std::size_t{1} << 16;
  std::vector<float> values(std::min(at_once, slot.narrow.size()));
  for (std::size_t first = 0; first < slot.narrow.size(); first += at_once) {
    const auto piece = std::span(values).first(std::min(at_once, slot.narrow.size() - first));
    model.read_floats(slot.name, slot.shape, first, piece);
    for (std::size_t i = 0; i < piece.size(); ++i) {
      if ((std::bit_cast<std::uint32_t>(piece[i]) & 0xffff) != 0)
        throw UsageError(fmt::format(
            "[--dtype] bfloat16 reads weights that are values of bfloat16, found {} in '{}' of {}; upcycle and "
            "export round to bfloat16 with their own --dtype bfloat16, and --dtype float32 computes with "
            "the weights as they are",
            piece[i], escaped(slot.name),
            escaped(model.tensors().path_of(model.find(slot.name, slot.shape).name).native())));
      slot.narrow[first + i] =
          moe::BFloat16::of_bits(static_cast<std::uint16_t>(std::bit_cast<std::uint32_t>(piece[i]) >> 16));
    }
  }
}

void read_tensors(const StoredModel& model, std::span<const TensorSlot> slots) {
  model.require_exactly(planned(slots));
  for (const TensorSlot& slot : slots) read_tensor(model, slot);
}

bool is_finite(const TensorSlot& slot) {
  return std::all_of(slot.values.begin(), slot.values.end(), [](float value) { return std::isfinite(value); }) &&
         std::all_of(slot.narrow.begin(), slot.narrow.end(),
                     [](moe::BFloat16 value) { return std::isfinite(moe::widened(value)); });
}

}  // namespace multipl_moe
