#include "multipl_moe/train/checkpoint.hpp"

#include <fmt/format.h>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/model/census.hpp"
#include "multipl_moe/train/tensor_files.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

constexpr const char* weights_name = "model.safetensors";
constexpr const char* config_name = "config.json";

/// A few bytes of config.json can claim a model of any size: memory is taken only for what is there. A file that lacks
/// a part of its model is told of by the part's name, later.
void require_values(const fs::path& weights, const ModelConfig& config) {
  const Census census = census_of(config);
  const std::int64_t asked = census.total + census.first_segments + census.filling + census.buffers;
  std::int64_t held = 0;
  const SafetensorsFile file = SafetensorsFile::open(weights);
  for (const auto& [name, entry] : file.entries()) held += entry.count();
  if (held < asked / 2)
    throw BadFile(weights,
                  fmt::format("must hold the {} values that the model of config.json has, found {}", asked, held));
}

}  // namespace

fs::path model_folder(const fs::path& folder) {
  const fs::path latest = folder / "checkpoints" / "LATEST";
  if (fs::exists(folder / config_name) || !fs::exists(latest)) return folder;
  std::string name = read_whole_file(latest, 4096);
  while (!name.empty() && name.back() == '\n') name.pop_back();
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.'))
    throw BadFile(latest, "must name a folder beside it, found '" + escaped(name) + "'");
  return folder / "checkpoints" / name;
}

fs::path weights_file(const fs::path& folder) { return model_folder(folder) / weights_name; }

ModelConfig load_config(const fs::path& folder) { return read_config(model_folder(folder) / config_name); }

void write_model_files(LanguageModel& model, const fs::path& folder) {
  write_tensors(folder / weights_name, model.tensors());
  model.tokenizer()->write_files(folder);
  write_config(folder / config_name, model.config());
}

std::unique_ptr<LanguageModel> make_model(const fs::path& folder, int threads) {
  const fs::path source = model_folder(folder);
  auto model = make_language_model(read_config(source / config_name), threads);
  auto tokenizer = read_tokenizer(source);
  if (tokenizer != byte_tokenizer()) model->use_tokenizer(std::move(tokenizer));
  return model;
}

void read_weights(LanguageModel& model, const fs::path& folder) {
  read_tensors(folder / weights_name, model.tensors());
}

void save_model(LanguageModel& model, const fs::path& folder) {
  save_folder_atomically(folder, [&](const fs::path& partial) { write_model_files(model, partial); });
}

std::unique_ptr<LanguageModel> load_model(const fs::path& folder, int threads) {
  recover_folder(folder);
  const fs::path source = model_folder(folder);
  recover_folder(source);
  require_values(source / weights_name, read_config(source / config_name));
  auto model = make_model(source, threads);
  read_weights(*model, source);
  for (const TensorSlot& slot : model->tensors())
    if (!is_finite(slot)) notice("warning: {} holds values that are not finite\n", slot.name);
  return model;
}

}  // namespace multipl_moe
