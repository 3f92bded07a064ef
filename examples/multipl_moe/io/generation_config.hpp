/// generation_config.json: how a model asks to be sampled, in Hugging Face's field names.
#pragma once

#include <cstdint>
#include <filesystem>
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

  bool operator==(const GenerationConfig&) const = default;
};

/// Unknown fields are ignored, and null is absent; eos_token_id is a number or an array, top_k may have a fraction of
/// 0. Throws BadFile where a field has another type or lies outside what sampling can use: ids and top_k from 0 on,
/// temperature and repetition_penalty finite and not negative, top_p 0 to 1.
GenerationConfig parse_generation_config(std::string_view text, const std::filesystem::path& path);
/// Of `folder`, from generation_config.json or else from the ids that its config.json has; empty where neither says
/// anything. Throws BadFile, IoError.
GenerationConfig read_generation_config(const std::filesystem::path& folder);

std::string to_json_text(const GenerationConfig& config);
/// Into `folder`, where it says anything. Throws IoError.
void write_generation_config(const std::filesystem::path& folder, const GenerationConfig& config);

}  // namespace multipl_moe
