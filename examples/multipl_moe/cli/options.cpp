#include "multipl_moe/cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <string_view>

#include "moe/core/workers.hpp"
#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/model_file.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/tensor_list.hpp"
#include "multipl_moe/mpi/launch.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

namespace {

template <class Holds>
CLI::Validator number_that(const Holds& holds, const std::string& rule) {
  return CLI::Validator(
      [holds, rule](std::string& text) {
        double value = 0;
        const bool good = CLI::detail::lexical_cast(text, value) && holds(value);
        return good ? std::string() : fmt::format("must be {}, found {}", rule, escaped(text));
      },
      rule);
}

}  // namespace

CLI::Validator above_zero() {
  return number_that([](double value) { return value > 0 && std::isfinite(value); }, "above 0");
}
CLI::Validator not_negative() {
  return number_that([](double value) { return value >= 0 && std::isfinite(value); }, "0 or more");
}

void add_threads_option(CLI::App& command, int& threads) {
  threads = moe::available_threads();
  // A launcher that binds each process to some of the processors has shared them already.
  if (threads == static_cast<int>(std::thread::hardware_concurrency()))
    threads = std::max(1, threads / launched_here());
  command.add_option("--threads", threads, "number of CPU threads of a process; results do not depend on it")
      ->capture_default_str()
      ->check(CLI::Range(1, 1024));
}

void add_comm_timeout_option(CLI::App& command, double& seconds) {
  command
      .add_option("--comm-timeout", seconds,
                  "seconds that a process waits for the others before all end with an error; while one may read a "
                  "model or write a checkpoint at least 1800; 0: no limit")
      ->capture_default_str()
      ->check(not_negative());
}

RankWaits waits_of(double seconds) {
  return {.usual = std::chrono::milliseconds(static_cast<std::int64_t>(std::ceil(1e3 * seconds)))};
}

void choose_device(const std::string& command, std::string& device) {
  const auto ranks = launched_ranks();
  if (!ranks || device_named(device).kind == Device::Kind::cpu) return;
  if (device != "cuda")
    throw UsageError(
        fmt::format("[{}] --device must be cpu or cuda in several processes, which take the GPUs of their machine in "
                    "turn, found {} and {}; CUDA_VISIBLE_DEVICES chooses among the GPUs",
                    command, escaped(device), counted(ranks->size(), "processes")));
  const auto count = std::max<std::size_t>(1, gpus().list.size());
  device = fmt::format("cuda:{}", static_cast<std::size_t>(launched_number_here()) % count);
}

void add_dtype_option(CLI::App& command, std::string& dtype, const std::string& help) {
  command.add_option("--dtype", dtype, help + " [float32; on a GPU bfloat16, the only one there]")
      ->check(CLI::IsMember(std::vector<std::string>(model_dtype_names.begin(), model_dtype_names.end())));
}

void add_stream_options(CLI::App& command, StreamFlags& flags) {
  auto* dtype = command.add_option("--dtype", flags.dtype,
                                   fmt::format("data type of the weights in the file: float32, float16, bfloat16{}",
                                               flags.dtype.empty() ? " [as the model's are stored]" : ""));
  dtype->check(CLI::IsMember({"float32", "float16", "bfloat16"}));
  if (!flags.dtype.empty()) dtype->capture_default_str();
  command.add_option("--max-shard-size", flags.max_shard_bytes, "maximum size of a weights file, such as 5GB or 500MB")
      ->capture_default_str()
      ->transform(CLI::AsSizeValue(true))
      ->check(above_zero());
  command.add_flag("-q,--quiet", flags.quiet, "do not print progress");
}

namespace {

/// Names the weights that a file in `dtype`, the dtype of the model's embedding, rounds: those of routers in a model
/// that was trained in bfloat16 are float32.
void note_rounded_weights(const std::string& model, const std::string& dtype) {
  if (dtype == "float32") return;
  const StoredModel stored = StoredModel::open(model_folder(model));
  std::vector<std::string> rounded;
  for (const ListedTensor& tensor : list_tensors(stored.config())) {
    if (tensor.kind == TensorKind::buffer) continue;
    const std::string name = stored.find(tensor.name, tensor.shape).name;
    const std::string& own = stored.tensors().entry(name).dtype;
    if (own == "F32" || own == "F64") rounded.push_back(name);
  }
  if (!rounded.empty())
    notice_once(fmt::format(
        "note: {} stored in float32, such as {}, {} rounded to {}, as which the other weights are stored; --dtype "
        "float32 keeps the values\n",
        counted(rounded.size(), "weights"), escaped(rounded.front()), rounded.size() == 1 ? "is" : "are", dtype));
}

}  // namespace

std::string StreamFlags::dtype_of(const std::string& model) const {
  if (!dtype.empty()) return dtype;
  std::string stored = stored_dtype(model);
  note_rounded_weights(model, stored);
  return stored;
}

StreamOptions StreamFlags::options(const std::string& command, const std::string& model) const {
  return {std::string(dtype_named(dtype_of(model))), max_shard_bytes, quiet ? "" : command, {}};
}

void add_size_options(CLI::App& command, SizeFlags& flags) {
  auto* config = command
                     .add_option("--config-json", flags.config,
                                 "config.json with the sizes of the model, in Hugging Face's field names")
                     ->type_name("FILE");
  command
      .add_option(
          "--size", flags.size,
          "size of the model: tiny, demo, qwen1.5-1.8b; its vocabulary grows to that of --tokenizer if it is smaller")
      ->type_name("NAME")
      ->capture_default_str()
      ->excludes(config);
}

ModelConfig SizeFlags::model(const Tokenizer& tokenizer) const {
  if (!config.empty()) return read_config(config);
  ModelConfig named = size_named(size);
  named.vocab_size = std::max(named.vocab_size, tokenizer.vocab_size());
  return named;
}

void add_links_option(CLI::App& command) {
  command.add_flag_callback(
      "--allow-links", [] { allow_links(); },
      "follow symbolic links that lead out of the folder of a model or tokenizer, such as to weights on another disk");
}

void require_positions(const std::string& command, const ModelConfig& model, std::int64_t length) {
  if (length > model.max_position_embeddings)
    throw UsageError(
        fmt::format("[{}] --sequence-length must be at most the model's max_position_embeddings, {}, found "
                    "{}",
                    command, model.max_position_embeddings, length));
}

void add_tokenizer_option(CLI::App& command, std::string& folder) {
  add_links_option(command);
  command
      .add_option("--tokenizer", folder,
                  "folder with tokenizer.json, or with vocab.json and merges.txt, such as a model's folder [none: each "
                  "byte is a token]")
      ->type_name("DIR");
}

std::shared_ptr<const Tokenizer> tokenizer_of(const std::string& folder, std::string_view flag) {
  if (folder.empty()) return byte_tokenizer();
  if (std::error_code failed; !std::filesystem::is_directory(folder, failed))
    throw BadFile(folder, fmt::format("{} must name a folder, found {}", flag,
                                      std::filesystem::exists(folder, failed) ? "a file" : "nothing there"));
  const std::filesystem::path model = model_folder(folder);
  auto tokenizer = read_tokenizer(model);
  // The folder of a byte-level model has no tokenizer files; any other folder without them is wrong.
  if (tokenizer == byte_tokenizer() && !std::filesystem::exists(model / "config.json"))
    throw BadFile(model, "must hold tokenizer.json, vocab.json and merges.txt, or a model's config.json, found none");
  return tokenizer;
}

void add_split_options(CLI::App& command, HeldOut& held_out) {
  command
      .add_option("--dev-fraction", held_out.dev,
                  "fraction of the documents that is held out as the dev split, to choose settings by")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--test-fraction", held_out.test,
                  "fraction of the documents that is held out as the test split, to report results on")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
  command
      .add_option("--near-duplicates", held_out.near_duplicates,
                  "similarity from which on texts are near duplicates, of which one is kept: the Jaccard similarity of "
                  "their sets of five consecutive words, found by MinHash; 0.5 to 1; 0: keep all")
      ->capture_default_str()
      ->check(CLI::Range(0.0, 1.0));
}

void add_held_out_options(CLI::App& command, HeldOutFlags& flags, std::int64_t& sequences, std::int64_t& length) {
  command
      .add_option("--model", flags.model, "folder of a model, or of a training run, whose newest checkpoint is read")
      ->required()
      ->type_name("DIR");
  add_links_option(command);
  command.add_option("--data", flags.data, "folder of token files, as written by prepare")
      ->required()
      ->type_name("DIR");
  command
      .add_option("--split", flags.split,
                  "held-out split that is read: dev to choose settings by, test to report results on")
      ->capture_default_str()
      ->check(CLI::IsMember({"dev", "test"}));
  command.add_option("--batch-size", sequences, "sequences per batch")->capture_default_str()->check(above_zero());
  command.add_option("--sequence-length", length, "tokens per sequence")->capture_default_str()->check(above_zero());
  add_weights_options(command, flags);
  add_threads_option(command, flags.threads);
}

LanguageFiles open_held_out(const HeldOutFlags& flags) {
  const auto tokenizer = read_tokenizer(model_folder(flags.model));
  require_tokenizer_fits(flags.model, load_config(flags.model), *tokenizer);
  return open_text(flags.data, flags.split, *tokenizer, flags.model);
}

std::int64_t longest_text(const LanguageFiles& files, std::int64_t max_bytes) {
  std::int64_t longest = 0;
  for (const auto& file : files)
    if (file) longest = std::max(longest, file->token_count());
  return max_bytes > 0 ? std::min(longest, max_bytes) : longest;
}

InferenceRun scoring_run(const std::string& command, const std::string& folder, const ScoringSize& size) {
  const auto plan = [config = load_config(folder), size](WeightsForm form) {
    ScoringSize with_form = size;
    with_form.weights = form;
    return scoring_plan(config, with_form);
  };
  return {command, /*decodes=*/false, plan, "a smaller --batch-size or --sequence-length"};
}

void require_new_folder(const std::string& command, const std::string& folder) {
  if (!is_unused(folder))
    throw UsageError("[" + command + "] --output must be a new or an empty folder, found '" + escaped(folder) + "'");
}

std::pair<double, double> parse_mix(const std::string& text) {
  const auto number = [&](std::string_view part) {
    double value = -1;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), value);
    if (error != std::errc() || end != part.data() + part.size() || !(value >= 0) || !std::isfinite(value)) value = -1;
    return value;
  };
  const std::size_t colon = text.find(':');
  const std::string_view whole = text;
  const double low = number(whole.substr(0, colon));
  const double high = colon == std::string::npos ? -1 : number(whole.substr(colon + 1));
  if (low < 0 || high < 0 || low + high == 0)
    throw UsageError("[--mix] must be LOW:HIGH, two numbers that are not both 0, such as 9:1, found '" + escaped(text) +
                     "'");
  return {low, high};
}

std::array<bool, language_count> present_in(const LanguageFiles& files) {
  std::array<bool, language_count> present{};
  for (std::size_t i = 0; i < files.size(); ++i) present[i] = files[i] != nullptr;
  return present;
}

}  // namespace multipl_moe
