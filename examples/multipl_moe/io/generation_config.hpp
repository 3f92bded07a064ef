/// generation_config.json: how a model asks to be sampled, in Hugging Face's field names.
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

/// What is absent from the file stays empty.
struct GenerationConfig {
  std::vector<std::int64_t> eos_token_id{};  ///< each of them ends the text
  std::optional<std::int64_t> bos_token_id{}, pad_token_id{};
  std::optional<bool> do_sample{};
  std::optional<double> temperature{}, top_p{}, repetition_penalty{};
  std::optional<std::int64_t> top_k{};
  std::optional<std::int64_t> max_new_tokens{}, min_new_tokens{};
  std::optional<std::int64_t> max_length{}, min_length{};  ///< the prompt's tokens included
  std::optional<std::int64_t> no_repeat_ngram_size{};
  std::vector<std::int64_t> suppress_tokens{}, begin_suppress_tokens{};
  std::vector<std::string> stop_strings{};
  std::string others{};                ///< a JSON object of the fields that are not read here; empty: there are none
  std::vector<std::string> ignored{};  ///< those of them whose values would change what is generated

  bool operator==(const GenerationConfig&) const = default;
};

/// Fields that are not read stay in the file, and null is absent; ids are a number or an array,
/// stop_strings a text or an array, top_k may have a fraction of 0. Throws BadFile where a field has another type or
/// lies outside what generation can use: ids, counts and top_k from 0 on, temperature and repetition_penalty finite and
/// not negative, top_p 0 to 1; what nothing is drawn with, because do_sample is false, may have any value.
GenerationConfig parse_generation_config(std::string_view text, const std::filesystem::path& path);
/// Of `folder`, from generation_config.json or else from the ids that its config.json has; empty where neither says
/// anything. Throws BadFile, also for a token to end with or to suppress that a model of `vocab_size` tokens does not
/// have; IoError.
GenerationConfig read_generation_config(const std::filesystem::path& folder,
                                        std::int64_t vocab_size = std::numeric_limits<std::int64_t>::max());

std::string to_json_text(const GenerationConfig& config);
/// Into `folder`, where it says anything. Throws IoError.
void write_generation_config(const std::filesystem::path& folder, const GenerationConfig& config);

}  // namespace multipl_moe
