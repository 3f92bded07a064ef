#include "multipl_moe/train/checkpoint.hpp"

#include <fmt/format.h>

#include <array>
#include <system_error>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/tensor_list.hpp"
#include "multipl_moe/train/tensor_files.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

constexpr const char* config_name = "config.json";

}  // namespace

fs::path model_folder(const fs::path& folder) {
  std::error_code failed;
  if (!fs::is_directory(folder, failed)) throw BadFile(folder, "must be the folder of a model or of a run, found none");
  const fs::path latest = folder / "checkpoints" / "LATEST";
  if (fs::exists(folder / config_name) || !fs::exists(latest)) return folder;
  std::string name = read_whole_file(latest, 4096);
  while (!name.empty() && name.back() == '\n') name.pop_back();
  if (name.empty() || name.find('/') != std::string::npos || name.starts_with('.'))
    throw BadFile(latest, "must name a folder beside it, found '" + escaped(name) + "'");
  return folder / "checkpoints" / name;
}

ModelConfig load_config(const fs::path& folder) { return read_config_of_files(model_folder(folder)); }

std::uint64_t hash_of_weights(const fs::path& folder) {
  const TensorFolder weights = open_tensors(model_folder(folder));
  RunningHash hash;
  const auto add = [&hash](const fs::path& path) {
    const std::uint64_t value = hash_of_file(path);
    hash.add(std::as_bytes(std::span(&value, 1)));
    return value;
  };
  const std::uint64_t first = add(weights.path());
  const auto files = weights.files();
  if (files.size() == 1 && files.front() == weights.path()) return first;
  for (const fs::path& file : files) add(file);
  return hash.value();
}

std::string stored_dtype(const fs::path& folder) {
  const std::string_view name = name_of_dtype(embedding_dtype(open_tensors(model_folder(folder))));
  return std::string(name.empty() ? "float32" : name);
}

ShardedWriter weights_writer(LanguageModel& model, const fs::path& folder, const SaveOptions& options) {
  return {folder, "model", planned(model.tensors(), dtype_of_torch(options.torch_dtype)), options.max_shard_bytes};
}

void write_model_files(LanguageModel& model, const fs::path& folder, ShardedWriter& writer,
                       const SaveOptions& options) {
  write_tensors(writer, model.tensors());
  model.tokenizer()->write_files(folder);
  write_config(folder / config_name, model.config(), options.torch_dtype);
  write_generation_config(folder, model.generation());
}

std::unique_ptr<LanguageModel> make_model(const fs::path& folder, int threads, const ModelConfig& config) {
  const fs::path source = model_folder(folder);
  auto model = make_language_model(config, threads);
  auto tokenizer = read_tokenizer(source);
  if (tokenizer != byte_tokenizer()) model->use_tokenizer(std::move(tokenizer));
  model->set_generation(read_generation_config(source, model->config().vocab_size));
  return model;
}

void read_weights(LanguageModel& model, const fs::path& folder) {
  read_tensors(StoredModel::open(folder), model.tensors());
}

void save_model(LanguageModel& model, const fs::path& folder, const SaveOptions& options) {
  save_folder_atomically(folder, [&](const fs::path& partial) {
    ShardedWriter writer = weights_writer(model, partial, options);
    require_free_disk(folder, writer.total_bytes());
    write_model_files(model, partial, writer, options);
  });
}

namespace {

/// The folder of the model, after repairing an interrupted save.
fs::path recovered_model_folder(const fs::path& folder) {
  recover_folder(folder);
  fs::path source = model_folder(folder);
  recover_folder(source);
  return source;
}

std::unique_ptr<LanguageModel> load_stored(const StoredModel& stored, const fs::path& source, int threads,
                                           const ModelConfig& config) {
  // Checked before memory is allocated: a small file may declare a large model.
  stored.require_exactly(planned(list_tensors(config)));
  require_free_memory("load", std::array{weights_in_memory(config)}, "");
  auto model = make_model(source, threads, config);
  const auto slots = model->tensors();
  for (const TensorSlot& slot : slots) {
    stored.read_floats(slot.name, slot.shape, 0, slot.values);
    if (!is_finite(slot)) notice("warning: {} holds values that are not finite\n", slot.name);
  }
  return model;
}

}  // namespace

std::unique_ptr<LanguageModel> load_model(const fs::path& folder, int threads) {
  const fs::path source = recovered_model_folder(folder);
  const StoredModel stored = StoredModel::open(source);
  return load_stored(stored, source, threads, stored.config());
}

std::unique_ptr<LanguageModel> load_model(const fs::path& folder, int threads, const ModelConfig& config) {
  const fs::path source = recovered_model_folder(folder);
  return load_stored(StoredModel::open(source), source, threads, config);
}

}  // namespace multipl_moe
