#include "multipl_moe/train/checkpoint.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <cstdio>
#include <set>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/safetensors.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

constexpr const char* weights_name = "model.safetensors";
constexpr const char* config_name = "config.json";

/// The folder that holds the model: `folder` itself, or what a run folder's LATEST points to.
fs::path model_folder(const fs::path& folder) {
  const fs::path latest = folder / "checkpoints" / "LATEST";
  if (fs::exists(folder / config_name) || !fs::exists(latest)) return folder;
  std::string name = read_whole_file(latest, 4096);
  while (!name.empty() && name.back() == '\n') name.pop_back();
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.'))
    throw BadFile(latest, "must name a folder beside it, found '" + escaped(name) + "'");
  return folder / "checkpoints" / name;
}

void read_tensor(const SafetensorsFile& file, const TensorSlot& slot) {
  const TensorEntry& entry = file.entry(slot.name);
  if (entry.shape != slot.shape)
    throw BadFile(file.path(),
                  fmt::format("{} must have the shape [{}] that config.json gives, found [{}]", escaped(slot.name),
                              fmt::join(slot.shape, ", "), fmt::join(entry.shape, ", ")));
  file.read_floats(slot.name, slot.values);
}

void warn_of_non_finite(const TensorSlot& slot) {
  for (const float value : slot.values)
    if (!std::isfinite(value)) {
      fmt::print(stderr, "warning: {} holds values that are not finite\n", slot.name);
      return;
    }
}

}  // namespace

void save_model(LanguageModel& model, const fs::path& folder) {
  save_folder_atomically(folder, [&](const fs::path& partial) {
    std::vector<TensorView> views;
    for (const TensorSlot& slot : model.tensors())
      views.push_back({slot.name, "F32", slot.shape, std::as_bytes(std::span<const float>(slot.values))});
    write_safetensors(partial / weights_name, views, {{"format", "pt"}});
    write_config(partial / config_name, model.config());
  });
}

std::unique_ptr<LanguageModel> load_model(const fs::path& folder, int threads) {
  recover_folder(folder);
  const fs::path source = model_folder(folder);
  recover_folder(source);
  auto model = make_language_model(read_config(source / config_name), threads);
  const SafetensorsFile file = SafetensorsFile::open(source / weights_name);
  std::set<std::string, std::less<>> known;
  for (const TensorSlot& slot : model->tensors()) {
    read_tensor(file, slot);
    warn_of_non_finite(slot);
    known.insert(slot.name);
  }
  for (const auto& [name, entry] : file.entries())
    if (!known.contains(name))
      throw BadFile(file.path(), "has a tensor that the model of config.json has not: " + escaped(name));
  return model;
}

}  // namespace multipl_moe
