#include "multipl_moe/train/tensor_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
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

}  // namespace

std::vector<PlannedTensor> planned(std::span<const TensorSlot> slots, std::string_view dtype) {
  std::vector<PlannedTensor> tensors;
  for (const TensorSlot& slot : slots)
    tensors.push_back({slot.name, std::string(slot.is_buffer ? "F32" : dtype), slot.shape});
  return tensors;
}
std::vector<PlannedTensor> planned(std::span<const StateTensor> state) {
  std::vector<PlannedTensor> tensors;
  for (const StateTensor& tensor : state) tensors.push_back({tensor.name, std::string(tensor.dtype), tensor.shape});
  return tensors;
}

void write_tensors(ShardedWriter& writer, std::span<const TensorSlot> slots) {
  write_in_order(writer, slots, [&](const TensorSlot& slot) { writer.write_floats(slot.values); });
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

void read_tensors(const TensorFolder& folder, std::span<const TensorSlot> slots) {
  require_exactly(folder, slots);
  for (const TensorSlot& slot : slots) folder.read_floats(slot.name, slot.values);
}

void read_tensors(const StoredModel& model, std::span<const TensorSlot> slots) {
  model.require_exactly(planned(slots));
  for (const TensorSlot& slot : slots) model.read_floats(slot.name, slot.shape, 0, slot.values);
}

bool is_finite(const TensorSlot& slot) {
  return std::all_of(slot.values.begin(), slot.values.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace multipl_moe
