#include "multipl_moe/io/generation_config.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <system_error>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/model_file.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

constexpr std::uint64_t largest_config = std::uint64_t{1} << 20;

void require_token(const fs::path& path, const char* name, std::int64_t token) {
  if (token < 0) throw BadFile(path, fmt::format("{} must be 0 or more, found {}", name, token));
}

std::optional<std::int64_t> token_of(const Fields& fields, const char* name) {
  if (!fields.has(name)) return std::nullopt;
  const std::int64_t token = fields.integer(name);
  require_token(fields.path(), name, token);
  return token;
}

std::optional<double> number_of(const Fields& fields, const char* name, double most) {
  if (!fields.has(name)) return std::nullopt;
  const double value = fields.number(name, 0);
  if (!(value >= 0 && value <= most))
    throw BadFile(fields.path(), fmt::format("{} must be 0 to {}, found {}", name, most, value));
  return value;
}

GenerationConfig ids_of(const Fields& fields) {
  GenerationConfig config;
  config.eos_token_id = fields.integers("eos_token_id");
  for (const std::int64_t token : config.eos_token_id) require_token(fields.path(), "eos_token_id", token);
  config.bos_token_id = token_of(fields, "bos_token_id");
  config.pad_token_id = token_of(fields, "pad_token_id");
  return config;
}

}  // namespace

GenerationConfig parse_generation_config(std::string_view text, const fs::path& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  const Fields fields(json, path, "");
  constexpr double most = 1e6, most_kept = 1e9;
  GenerationConfig config = ids_of(fields);
  if (fields.has("do_sample")) config.do_sample = fields.boolean("do_sample", false);
  config.temperature = number_of(fields, "temperature", most);
  config.top_p = number_of(fields, "top_p", 1);
  config.repetition_penalty = number_of(fields, "repetition_penalty", most);
  if (const auto top_k = number_of(fields, "top_k", most_kept)) {
    if (*top_k != std::floor(*top_k)) throw BadFile(path, fmt::format("top_k must be whole, found {}", *top_k));
    config.top_k = static_cast<std::int64_t>(*top_k);
  }
  return config;
}

GenerationConfig read_generation_config(const fs::path& folder) {
  std::error_code failed;
  if (const fs::path path = folder / generation_config_name; fs::exists(fs::symlink_status(path, failed)))
    return parse_generation_config(read_model_file(folder, generation_config_name, largest_config), path);
  constexpr const char* config_name = "config.json";
  const fs::path path = folder / config_name;
  if (!fs::exists(path, failed)) return {};
  const nlohmann::json json = parse_strict_json(read_model_file(folder, config_name, largest_config), path);
  return ids_of(Fields(json, path, ""));
}

std::string to_json_text(const GenerationConfig& config) {
  nlohmann::ordered_json json = nlohmann::ordered_json::object();
  const auto add = [&json](const char* name, const auto& value) {
    if (value) json[name] = *value;
  };
  add("bos_token_id", config.bos_token_id);
  if (config.eos_token_id.size() == 1) json["eos_token_id"] = config.eos_token_id.front();
  if (config.eos_token_id.size() > 1) json["eos_token_id"] = config.eos_token_id;
  add("pad_token_id", config.pad_token_id);
  add("do_sample", config.do_sample);
  add("repetition_penalty", config.repetition_penalty);
  add("temperature", config.temperature);
  add("top_k", config.top_k);
  add("top_p", config.top_p);
  return json.dump(2) + "\n";
}

void write_generation_config(const std::filesystem::path& folder, const GenerationConfig& config) {
  if (config != GenerationConfig{}) write_file_atomically(folder / generation_config_name, to_json_text(config));
}

}  // namespace multipl_moe
