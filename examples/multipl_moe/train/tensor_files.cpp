#include "multipl_moe/train/tensor_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

std::vector<PlannedTensor> planned(std::span<const TensorSlot> slots, std::string_view dtype) {
  std::vector<PlannedTensor> tensors;
  for (const TensorSlot& slot : slots)
    tensors.push_back({slot.name, std::string(slot.is_buffer ? "F32" : dtype), slot.shape});
  return tensors;
}

void write_tensors(ShardedWriter& writer, std::span<const TensorSlot> slots) {
  std::map<std::string_view, const TensorSlot*> slot_of;
  for (const TensorSlot& slot : slots) slot_of[slot.name] = &slot;
  for (const PlannedTensor& tensor : writer.order()) writer.write_floats(slot_of.at(tensor.name)->values);
  writer.finish();
}

void read_tensors(const TensorFolder& folder, std::span<const TensorSlot> slots) {
  std::set<std::string_view> known;
  for (const TensorSlot& slot : slots) {
    const TensorEntry& entry = folder.entry(slot.name);
    if (entry.shape != slot.shape)
      throw BadFile(folder.path_of(slot.name),
                    fmt::format("{} must have the shape [{}] that config.json gives, found [{}]", escaped(slot.name),
                                fmt::join(slot.shape, ", "), fmt::join(entry.shape, ", ")));
    known.insert(slot.name);
  }
  for (const auto& [name, tensor] : folder.tensors())
    if (!known.contains(name))
      throw BadFile(folder.path_of(name), "has a tensor that the model of config.json has not: " + escaped(name));
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
