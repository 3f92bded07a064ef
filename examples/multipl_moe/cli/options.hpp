/// Options that several commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "multipl_moe/cli/weights_option.hpp"
#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/data/splits.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/tensor_entry.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/model_dtype.hpp"
#include "multipl_moe/model/run_ranks.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"
#include "multipl_moe/train/streamed_model.hpp"

namespace multipl_moe {

/// Checks of a number. An error names the rule and the value; --help shows the rule.
CLI::Validator above_zero();
CLI::Validator not_negative();

/// Adds --threads, whose default is the number of available CPU threads.
void add_threads_option(CLI::App& command, int& threads);

/// Adds --comm-timeout of commands that run in several processes, in seconds.
void add_comm_timeout_option(CLI::App& command, double& seconds);
/// The waits of --comm-timeout.
RankWaits waits_of(double seconds);
/// Among several processes `--device cuda` becomes the GPU of this one: they take those of their machine in turn.
/// Throws UsageError for a GPU that is named by its number.
void choose_device(const std::string& command, std::string& device);

/// Adds --dtype of commands that compute, float32 or bfloat16; `help` describes it. Its default depends on the device:
/// dtype_on().
void add_dtype_option(CLI::App& command, std::string& dtype, const std::string& help);

/// Options for storing a model that is written tensor by tensor.
struct StreamFlags {
  std::string dtype;  ///< data type of the weights; empty: that of the source model
  std::uint64_t max_shard_bytes = default_shard_bytes;
  bool quiet = false;

  /// `dtype`, or if it is empty the data type of the folder `model`. Throws as stored_dtype().
  std::string dtype_of(const std::string& model) const;
  StreamOptions options(const std::string& command, const std::string& model = {}) const;
};
/// Adds --dtype, whose default is the one in `flags`, --max-shard-size and --quiet.
void add_stream_options(CLI::App& command, StreamFlags& flags);

/// Options for the size of a model with random weights.
struct SizeFlags {
  std::string size, config;

  /// The model's configuration. The vocabulary of a named size grows to that of `tokenizer`. Throws UsageError,
  /// BadFile, IoError.
  ModelConfig model(const Tokenizer& tokenizer) const;
};
/// Adds --config-json and --size, which exclude each other.
void add_size_options(CLI::App& command, SizeFlags& flags);

/// Adds --allow-links, for every command that reads a model's or a tokenizer's folder: links out of it are followed.
void add_links_option(CLI::App& command);

/// Throws UsageError if sequences are longer than the model's max_position_embeddings. `command` is named in the error.
void require_positions(const std::string& command, const ModelConfig& model, std::int64_t length);

/// Adds --tokenizer, a folder with a tokenizer's files, of a model or of a run, and --allow-links.
void add_tokenizer_option(CLI::App& command, std::string& folder);
/// The tokenizer in `folder`, the value of `flag`; the byte tokenizer if it is empty. Throws BadFile that names the
/// flag, IoError.
std::shared_ptr<const Tokenizer> tokenizer_of(const std::string& folder, std::string_view flag = "--tokenizer");

/// Adds --dev-fraction, --test-fraction and --near-duplicates, which decide what is held out of sources.
void add_split_options(CLI::App& command, HeldOut& held_out);

/// Options of commands that score a model on held-out text.
struct HeldOutFlags : InferenceFlags {
  std::string data, split = "test";
};
/// Adds --model, --allow-links, --data, --split, --dtype, --weights, --device and --threads, and --batch-size and
/// --sequence-length for `sequences` and `length`.
void add_held_out_options(CLI::App& command, HeldOutFlags& flags, std::int64_t& sequences, std::int64_t& length);

/// Opens the files of `flags`. Throws BadFile if they were not made with the model's tokenizer, IoError.
LanguageFiles open_held_out(const HeldOutFlags& flags);
/// Tokens of the longest of `files`, of each at most `max_bytes` bytes of text (a token has at least one); 0: all.
std::int64_t longest_text(const LanguageFiles& files, std::int64_t max_bytes);
/// The scoring of texts of this size with the model in `folder`.
InferenceRun scoring_run(const std::string& command, const std::string& folder, const ScoringSize& size);

/// Throws UsageError unless `folder` is new or empty: replacing a folder would delete its other files.
void require_new_folder(const std::string& command, const std::string& folder);

/// Parses `LOW:HIGH`: "9:1" -> {9, 1}. Throws UsageError.
std::pair<double, double> parse_mix(const std::string& text);

/// For each language whether `files` has text of it.
std::array<bool, language_count> present_in(const LanguageFiles& files);

}  // namespace multipl_moe
