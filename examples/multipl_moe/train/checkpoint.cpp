#include "multipl_moe/train/checkpoint.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <new>
#include <system_error>
#include <utility>

#include "moe/weights_in_file.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/mapped_files.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/parameter_count.hpp"
#include "multipl_moe/model/tensor_list.hpp"
#include "multipl_moe/train/progress.hpp"
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

ShardedWriter weights_writer(std::span<const TensorRef> tensors, const fs::path& folder, const SaveOptions& options) {
  return {folder, "model", planned_weights(tensors, dtype_of_torch(options.torch_dtype)), options.max_shard_bytes};
}

void write_model_files(const LanguageModel& model, std::span<const TensorRef> tensors, const fs::path& folder,
                       ShardedWriter& writer, const SaveOptions& options) {
  write_weights(writer, tensors);
  model.tokenizer()->write_files(folder);
  write_config(folder / config_name, model.config(), options.torch_dtype);
  write_generation_config(folder, model.generation());
}

std::unique_ptr<LanguageModel> make_model(const fs::path& folder, int threads, const ModelConfig& config,
                                          ModelDtype dtype, const Device& device, const ExpertSpread& spread) {
  const fs::path source = model_folder(folder);
  auto model = make_language_model(config, threads, dtype, device, spread);
  auto tokenizer = read_tokenizer(source);
  if (tokenizer != byte_tokenizer()) model->use_tokenizer(std::move(tokenizer));
  model->set_generation(read_generation_config(source, model->config().vocab_size));
  return model;
}

void read_weights(LanguageModel& model, const fs::path& folder) {
  read_weights(StoredModel::open(folder), model.tensors());
}

void save_model(LanguageModel& model, const fs::path& folder, const SaveOptions& options) {
  const std::vector<TensorRef> tensors = model.tensors();
  save_folder_atomically(folder, [&](const fs::path& partial) {
    ShardedWriter writer = weights_writer(tensors, partial, options);
    require_free_disk(folder, writer.total_bytes());
    write_model_files(model, tensors, partial, writer, options);
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

/// Throws unless `stored` holds the tensors of `config` and memory has room for what is read into it. Checked before
/// memory is allocated: a small file may declare a large model.
void require_loadable(const StoredModel& stored, const ModelConfig& config, WeightsForm form) {
  stored.require_exactly(planned(list_tensors(config)));
  require_free_memory("load", std::array{weights_in_memory(config, form)}, "");
}

void read_and_warn(const StoredModel& stored, const TensorRef& tensor) {
  if (!read_weight(stored, tensor)) notice("warning: {} holds values that are not finite\n", tensor.name);
}

std::unique_ptr<LanguageModel> load_stored(const StoredModel& stored, const fs::path& source, int threads,
                                           const ModelConfig& config, ModelDtype dtype, const Device& device,
                                           const ExpertSpread& spread = {}) {
  if (device.kind == Device::Kind::cpu)
    require_loadable(stored, config, {dtype, WeightsPlace::memory, spread.part()});
  else
    stored.require_exactly(planned(list_tensors(config)));
  auto model = make_model(source, threads, config, dtype, device, spread);
  for (const TensorRef& tensor : model->tensors()) read_and_warn(stored, tensor);
  return model;
}

using Mappings = std::vector<std::shared_ptr<const moe::io::FileMapping>>;

/// Calls f(mapping, first byte, bytes) for pieces of the mapped files, until it returns false.
template <class F>
void for_each_piece_of(const Mappings& files, const F& f) {
  constexpr std::size_t piece = std::size_t{64} << 20;
  for (const auto& mapping : files)
    for (std::size_t first = 0; first < mapping->bytes().size(); first += piece)
      if (!f(*mapping, first, std::min(piece, mapping->bytes().size() - first))) return;
}

/// Bytes per second from the disk, by reading pieces that are hardly in memory; 0 if the system names none.
double disk_rate(const Mappings& files) {
  constexpr std::size_t enough = std::size_t{256} << 20;
  std::size_t bytes = 0;
  double seconds = 0;
  for_each_piece_of(files, [&](const moe::io::FileMapping& mapping, std::size_t first, std::size_t count) {
    const std::size_t resident = std::min(count, mapping.resident_bytes(first, count));
    if (resident > count / 2) return true;
    const auto start = std::chrono::steady_clock::now();
    mapping.read_ahead(first, count);
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    bytes += count - resident;
    return bytes < enough;
  });
  return seconds > 0 ? static_cast<double>(bytes) / seconds : 0;
}

/// Says what it costs that memory can cache `cached` of the `all` bytes of the files. A batch of many tokens selects
/// all experts, a token that is decoded those that are active.
void report_missing_memory(const Mappings& files, const ModelConfig& config, std::int64_t cached, std::int64_t all,
                           bool decodes) {
  const ParameterCount count = parameter_count_of(config);
  // The input embedding gives one row a token; a tied one is also the head.
  const std::int64_t table = config.tie_word_embeddings ? 0 : config.vocab_size * config.hidden_size;
  const std::int64_t values = (decodes ? count.active : count.total) - table;
  const double read = static_cast<double>(all) * static_cast<double>(values) / static_cast<double>(count.total);
  const double from_disk = read * (1 - static_cast<double>(cached) / static_cast<double>(all));
  const double rate = disk_rate(files);
  notice(
      "note: memory can cache {} of the {} of the model's files; {} reads about {} of them, at least {} from the "
      "disk{}\n",
      memory_text(cached), memory_text(all), decodes ? "a token that is decoded" : "a pass over a batch",
      memory_text(static_cast<std::int64_t>(read)), memory_text(static_cast<std::int64_t>(from_disk)),
      rate > 0 ? fmt::format(" at {}/s: {:.1f} s", memory_text(static_cast<std::int64_t>(rate)), from_disk / rate)
               : "");
}

/// Reads the files into the system's cache. Progress appears if it takes longer than a second.
void read_ahead(const Mappings& files, std::int64_t all) {
  const auto start = std::chrono::steady_clock::now();
  ByteProgress progress("reading weights", static_cast<std::uint64_t>(all));
  std::size_t silent = 0;
  for_each_piece_of(files, [&](const moe::io::FileMapping& mapping, std::size_t first, std::size_t count) {
    mapping.read_ahead(first, count);
    silent += count;
    if (std::chrono::steady_clock::now() - start > std::chrono::seconds(1)) progress.add(std::exchange(silent, 0));
    return true;
  });
}

/// The model with its matrices in the files. The system must grant addresses, though no memory, for the matrices as
/// they would be in memory, twice while the model is made.
std::pair<std::unique_ptr<LanguageModel>, Mappings> mapped(const StoredModel& stored, const fs::path& source,
                                                           int threads, ModelDtype dtype) {
  try {
    auto model = make_model(source, threads, stored.config(), dtype);
    Mappings files = model->read_in_place(stored, [&](const TensorRef& tensor) { read_and_warn(stored, tensor); });
    return {std::move(model), std::move(files)};
  } catch (const std::bad_alloc&) {
    const std::int64_t bytes = weights_in_memory(stored.config(), {dtype, WeightsPlace::memory}).bytes;
    throw OutOfMemory(fmt::format(
        "[load] the system must grant {} of addresses for weights that stay in the files, found a limit below it; "
        "ulimit -v unlimited and vm.overcommit_memory 0 or 1 set none",
        memory_text(3 * bytes)));
  }
}

std::string matrix_not_for_files(const StoredModel& stored, ModelDtype model) {
  const TensorFolder& files = stored.tensors();
  for (const ListedTensor& tensor : list_tensors(stored.config())) {
    if (tensor.kind != TensorKind::matrix) continue;
    const std::string name = stored.find(tensor.name, tensor.shape).name;
    const bool is_float = model == ModelDtype::float32 || bytes_in_memory(tensor, model) == 4 * tensor.count();
    if (is_float ? moe::WeightsInFile::fits<float>(files, name) : moe::WeightsInFile::fits<moe::BFloat16>(files, name))
      continue;
    return fmt::format("{} in {} at byte {}", escaped(name), escaped(files.entry(name).dtype), files.position_of(name));
  }
  return {};
}

}  // namespace

std::unique_ptr<LanguageModel> load_model_in_files(const fs::path& folder, int threads, ModelDtype dtype,
                                                   const InFilesOptions& options) {
  const fs::path source = recovered_model_folder(folder);
  const StoredModel stored = StoredModel::open(source);
  if (const std::string other = matrix_not_for_files(stored, dtype); !other.empty())
    throw Failure(fmt::format("[load] every matrix must be one that can stay in its file, found {}", other));
  require_loadable(stored, stored.config(), {dtype, WeightsPlace::file});
  auto [model, files] = mapped(stored, source, threads, dtype);
  const auto paths = stored.tensors().files();
  std::int64_t all = 0;
  for (std::size_t i = 0; i < files.size(); ++i) {
    name_mapped_file(files[i], paths[i]);
    all += static_cast<std::int64_t>(files[i]->bytes().size());
  }
  if (options.quiet) return std::move(model);
  // The free memory includes what the system caches.
  const auto free = free_memory_bytes();
  const std::int64_t cached = free ? std::max<std::int64_t>(0, *free - options.beside) : all;
  if (all > cached)
    report_missing_memory(files, stored.config(), cached, all, options.decodes && model->is_causal());
  else
    read_ahead(files, all);
  return std::move(model);
}

std::string matrix_not_for_files(const fs::path& folder, ModelDtype model) {
  return matrix_not_for_files(StoredModel::open(model_folder(folder)), model);
}

std::unique_ptr<LanguageModel> load_model(const fs::path& folder, int threads, ModelDtype dtype, const Device& device) {
  const fs::path source = recovered_model_folder(folder);
  const StoredModel stored = StoredModel::open(source);
  return load_stored(stored, source, threads, stored.config(), dtype, device);
}

std::unique_ptr<LanguageModel> load_model(const fs::path& folder, int threads, const ModelConfig& config,
                                          ModelDtype dtype, const Device& device, const ExpertSpread& spread) {
  const fs::path source = recovered_model_folder(folder);
  return load_stored(StoredModel::open(source), source, threads, config, dtype, device, spread);
}

}  // namespace multipl_moe
