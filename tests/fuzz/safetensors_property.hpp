#pragma once

#include <algorithm>
#include <cstddef>
#include <vector>

#include "fuzz/memory_file.hpp"
#include "fuzz/target.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/safetensors.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/io/scratch.hpp"

namespace multipl_moe::fuzz {

/// A file either loads into a layer whose tensors have the names that the corpus uses, or is refused. A layer that was
/// loaded is saved and loaded again with the same values.
inline void takes_layer(const std::filesystem::path& path) {
  using Layer = moe::SwiGlu<float, moe::Cpu<>>;
  const moe::LoadOptions options{
      .names = [](const std::string& name) { return name.substr(0, 1) == "g" ? "a" : name.substr(0, 1); },
      .ignore_unexpected = true};
  static const testing::ScratchFolder folder(memory_folder());
  static const moe::CpuContext context;
  Layer layer(1, 2);
  const auto loaded = value_or_refusal([&] {
    moe::load(context, path, layer, options);
    return true;
  });
  if (!loaded) return;
  Layer again(1, 2);
  moe::save(context, folder / "again.safetensors", layer);
  moe::load(context, folder / "again.safetensors", again);
  require(std::equal(layer.up_proj.data(), layer.up_proj.data() + 2, again.up_proj.data(),
                     [](float left, float right) { return left == right || left != left; }),
          "a loaded layer survives a round trip");
}

/// Returns whether `bytes` are a safetensors file. The contents of such a file can be read, written and read again.
inline bool takes_safetensors(std::string_view bytes) {
  const MemoryFile memory(bytes);
  const auto file = value_or_refusal([&] { return SafetensorsFile::open(memory.path()); });
  if (!file) return false;
  std::vector<TensorView> views;
  std::vector<std::vector<std::byte>> data;
  data.reserve(file->entries().size());
  for (const auto& [name, entry] : file->entries()) {
    file->read(name, data.emplace_back(entry.bytes()));
    views.push_back({name, entry.dtype, entry.shape, data.back()});
    std::vector<float> floats(static_cast<std::size_t>(entry.count()));
    value_or_refusal([&, &name = name] {
      file->read_floats(name, floats);
      return true;
    });
  }
  takes_layer(memory.path());
  const MemoryFile written;
  write_safetensors(written.path(), views, file->metadata());
  const SafetensorsFile again = SafetensorsFile::open(written.path());
  require(again.metadata() == file->metadata(), "metadata is equal after a round trip");
  require(again.entries().size() == views.size(), "the number of tensors is equal after a round trip");
  for (const TensorView& view : views) {
    const TensorEntry& entry = again.entry(view.name);
    std::vector<std::byte> read(view.bytes.size());
    again.read(view.name, read);
    require(entry.dtype == view.dtype && entry.shape == view.shape, "dtypes and shapes are equal after a round trip");
    require(std::equal(read.begin(), read.end(), view.bytes.begin()), "values are equal after a round trip");
  }
  return true;
}

}  // namespace multipl_moe::fuzz
