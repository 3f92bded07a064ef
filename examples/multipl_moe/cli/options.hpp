/// Options that several commands share.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/data/splits.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/sharded_writer.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"
#include "multipl_moe/train/streamed_model.hpp"

namespace multipl_moe {

/// Checks whose errors say the rule and the value. The text is what --help shows.
CLI::Validator above_zero();
CLI::Validator not_negative();

/// Reads `former`, the name of a flag in an older version, as `flag`, which is added after it; --help does not list it.
void read_former_name(CLI::App& command, const std::string& former, const std::string& flag);
/// Whether an option is such a name, which nothing writes.
bool is_former_name(const CLI::Option& option);

/// Threads of computation; results do not depend on it.
void add_threads_option(CLI::App& command, int& threads);

/// How a model that is written tensor by tensor is stored.
struct StreamFlags {
  std::string dtype;  ///< empty: as those of the model that it is made from
  std::uint64_t max_shard_bytes = default_shard_bytes;
  bool quiet = false;

  /// `dtype`, or what `model` is stored in. Throws as stored_dtype().
  std::string dtype_of(const std::string& model) const;
  StreamOptions options(const std::string& command, const std::string& model = {}) const;
};
/// --dtype, whose default is the one in `flags`, --max-shard-size and --quiet.
void add_stream_options(CLI::App& command, StreamFlags& flags);

/// How large a model of random weights is.
struct SizeFlags {
  std::string size, config;

  /// A size that has a name gets as large a vocabulary as `tokenizer` needs. Throws UsageError, BadFile, IoError.
  ModelConfig model(const Tokenizer& tokenizer) const;
};
/// --config-json, or --size.
void add_size_options(CLI::App& command, SizeFlags& flags);

/// --allow-links, of every command that reads a model's or a tokenizer's folder: links out of it are followed.
void add_links_option(CLI::App& command);

/// Throws UsageError where sequences are longer than the model has positions for. `command` names the command.
void require_positions(const std::string& command, const ModelConfig& model, std::int64_t length);

/// --tokenizer and --allow-links; a folder with a tokenizer's files, of a model or of a run.
void add_tokenizer_option(CLI::App& command, std::string& folder);
/// The one of add_tokenizer_option(), or of another `flag`; bytes where nothing was said. Throws BadFile that names the
/// flag, IoError.
std::shared_ptr<const Tokenizer> tokenizer_of(const std::string& folder, std::string_view flag = "--tokenizer");

/// --dev-fraction and --test-fraction, what is held out of sources.
void add_split_options(CLI::App& command, HeldOut& held_out);

/// Which model reads which held-out text.
struct HeldOutFlags {
  std::string model, data, split = "test";
  int threads = 0;
};
/// --model, --allow-links, --data, --split and --threads; --batch-size and --sequence-length go to `sequences` and
/// `length`.
void add_held_out_options(CLI::App& command, HeldOutFlags& flags, std::int64_t& sequences, std::int64_t& length);

/// The files of `flags`, which must have been made with the model's tokenizer. Throws BadFile, IoError.
LanguageFiles open_held_out(const HeldOutFlags& flags);
/// Tokens of the longest of `files`, of each at most `max_bytes` of text; 0: all.
std::int64_t longest_text(const LanguageFiles& files, std::int64_t max_bytes);
/// Throws OutOfMemory where `command` cannot hold the model of `flags` and score such texts.
void require_memory(const std::string& command, const HeldOutFlags& flags, const ScoringSize& size);

/// A folder that is replaced loses whatever else was in it: throws UsageError unless `folder` is new or empty.
void require_new_folder(const std::string& command, const std::string& folder);

/// `9:1` -> {9, 1}. Throws UsageError.
std::pair<double, double> parse_mix(const std::string& text);

/// Which languages of `files` there are.
std::array<bool, language_count> present_in(const LanguageFiles& files);

}  // namespace multipl_moe
