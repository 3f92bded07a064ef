#include "multipl_moe/train/tensor_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors.hpp"

namespace multipl_moe {

namespace {

void read_tensor(const SafetensorsFile& file, const TensorSlot& slot) {
  const TensorEntry& entry = file.entry(slot.name);
  if (entry.shape != slot.shape)
    throw BadFile(file.path(),
                  fmt::format("{} must have the shape [{}] that config.json gives, found [{}]", escaped(slot.name),
                              fmt::join(slot.shape, ", "), fmt::join(entry.shape, ", ")));
  file.read_floats(slot.name, slot.values);
}

}  // namespace

void write_tensors(const std::filesystem::path& path, std::span<const TensorSlot> slots) {
  std::vector<TensorView> views;
  for (const TensorSlot& slot : slots)
    views.push_back({slot.name, "F32", slot.shape, std::as_bytes(std::span<const float>(slot.values))});
  write_safetensors(path, views, {{"format", "pt"}});
}

void read_tensors(const std::filesystem::path& path, std::span<const TensorSlot> slots) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  std::set<std::string, std::less<>> known;
  for (const TensorSlot& slot : slots) {
    read_tensor(file, slot);
    known.insert(slot.name);
  }
  for (const auto& [name, entry] : file.entries())
    if (!known.contains(name))
      throw BadFile(path, "has a tensor that the model of config.json has not: " + escaped(name));
}

bool is_finite(const TensorSlot& slot) {
  return std::all_of(slot.values.begin(), slot.values.end(), [](float value) { return std::isfinite(value); });
}

}  // namespace multipl_moe
