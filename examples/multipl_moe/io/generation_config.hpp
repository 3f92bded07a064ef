/// generation_config.json: a model's default settings for generation, in Hugging Face's field names.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

inline constexpr const char* generation_config_name = "generation_config.json";

/// Fields that are absent from the file stay empty.
struct GenerationConfig {
  std::vector<std::int64_t> eos_token_id{};  ///< each of them ends generation
  std::optional<std::int64_t> bos_token_id{}, pad_token_id{};
  std::optional<bool> do_sample{};
  std::optional<double> temperature{}, top_p{}, repetition_penalty{};
  std::optional<std::int64_t> top_k{};
  std::optional<std::int64_t> max_new_tokens{}, min_new_tokens{};
  std::optional<std::int64_t> max_length{}, min_length{};  ///< including the prompt's tokens
  std::optional<std::int64_t> no_repeat_ngram_size{};
  std::vector<std::int64_t> suppress_tokens{}, begin_suppress_tokens{};
  std::vector<std::string> stop_strings{};
  std::string others{};                ///< a JSON object of the fields that are not read here; empty: none
  std::vector<std::string> ignored{};  ///< the names in `others` whose values would change the generated text

  bool operator==(const GenerationConfig&) const = default;
};

/// Fields that are not read are kept in `others`, and null counts as absent. Ids are a number or an array, stop_strings
/// a string or an array; top_k may be written with a fraction of 0. Throws BadFile if a field has another type or is
/// out of range: ids, counts and top_k at least 0, temperature and repetition_penalty finite and not negative, top_p 0
/// to 1. If do_sample is false, temperature, top_k and top_p may have any value.
GenerationConfig parse_generation_config(std::string_view text, const std::filesystem::path& path);
/// Reads generation_config.json of `folder` or, if it does not exist, the token ids in config.json; empty if neither
/// has any. Throws BadFile, also if an eos or suppressed token is not in a vocabulary of `vocab_size` tokens; IoError.
GenerationConfig read_generation_config(const std::filesystem::path& folder,
                                        std::int64_t vocab_size = std::numeric_limits<std::int64_t>::max());

std::string to_json_text(const GenerationConfig& config);
/// Writes the file into `folder` unless `config` is empty. Throws IoError.
void write_generation_config(const std::filesystem::path& folder, const GenerationConfig& config);

}  // namespace multipl_moe
