#include "multipl_moe/io/generation_config.hpp"

#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <system_error>
#include <utility>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/generation_settings.hpp"
#include "multipl_moe/io/model_file.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe {

namespace fs = std::filesystem;

namespace {

void require_token(const fs::path& path, const char* name, std::int64_t token) {
  if (token < 0) throw BadFile(path, fmt::format("{} must be 0 or more, found {}", name, token));
}

std::optional<std::int64_t> token_of(const Fields& fields, const char* name) {
  if (!fields.has(name)) return std::nullopt;
  const std::int64_t token = fields.integer(name);
  require_token(fields.path(), name, token);
  return token;
}

std::optional<double> number_of(const Fields& fields, const char* name, double least, double most) {
  if (!fields.has(name)) return std::nullopt;
  const double value = fields.number(name, 0);
  if (!(value >= least && value <= most))
    throw BadFile(fields.path(), fmt::format("{} must be {} to {}, found {}", name, least, most, value));
  return value;
}

std::optional<std::int64_t> count_of(const Fields& fields, const char* name) {
  if (!fields.has(name)) return std::nullopt;
  const std::int64_t count = fields.integer(name);
  if (count < 0) throw BadFile(fields.path(), fmt::format("{} must be 0 or more, found {}", name, count));
  return count;
}

std::vector<std::int64_t> tokens_of(const Fields& fields, const char* name) {
  std::vector<std::int64_t> tokens = fields.integers(name);
  for (const std::int64_t token : tokens) require_token(fields.path(), name, token);
  return tokens;
}

GenerationConfig ids_of(const Fields& fields) {
  GenerationConfig config;
  config.eos_token_id = tokens_of(fields, "eos_token_id");
  config.bos_token_id = token_of(fields, "bos_token_id");
  config.pad_token_id = token_of(fields, "pad_token_id");
  return config;
}

/// Reads the sampling settings.
void read_sampling(const Fields& fields, GenerationConfig& config) {
  constexpr double most = 1e6, most_kept = 1e9;
  if (fields.has("do_sample")) config.do_sample = fields.boolean("do_sample", false);
  const bool draws = config.do_sample != false;
  const double least = draws ? 0 : -std::numeric_limits<double>::max();
  config.temperature = number_of(fields, "temperature", least, draws ? most : -least);
  config.top_p = number_of(fields, "top_p", least, draws ? 1 : -least);
  config.repetition_penalty = number_of(fields, "repetition_penalty", 0, most);
  if (const auto top_k = number_of(fields, "top_k", draws ? 0 : -most_kept, most_kept)) {
    if (*top_k != std::floor(*top_k))
      throw BadFile(fields.path(), fmt::format("top_k must be a whole number, found {}", *top_k));
    config.top_k = static_cast<std::int64_t>(*top_k);
  }
}

void require_within(const GenerationConfig& config, std::int64_t vocab_size, const fs::path& path) {
  for (const auto& [name, tokens] :
       {std::pair("eos_token_id", &config.eos_token_id), std::pair("suppress_tokens", &config.suppress_tokens),
        std::pair("begin_suppress_tokens", &config.begin_suppress_tokens)})
    for (const std::int64_t token : *tokens)
      if (token >= vocab_size)
        throw BadFile(path,
                      fmt::format("{} must be below config.json's vocab_size, {}, found {}", name, vocab_size, token));
}

/// Reads a string or an array of strings, none of them empty.
std::vector<std::string> stops_of(const Fields& fields) {
  constexpr const char* name = "stop_strings";
  std::vector<std::string> stops = fields.is_text(name) ? std::vector{fields.text(name, "")} : fields.texts(name, {});
  for (const std::string& stop : stops)
    if (stop.empty()) throw BadFile(fields.path(), fmt::format("{} must not be empty, found \"\"", name));
  return stops;
}

}  // namespace

GenerationConfig parse_generation_config(std::string_view text, const fs::path& path) {
  const nlohmann::json json = parse_strict_json(text, path);
  const Fields fields(json, path, "");
  GenerationConfig config = ids_of(fields);
  read_sampling(fields, config);
  config.max_new_tokens = count_of(fields, "max_new_tokens");
  config.min_new_tokens = count_of(fields, "min_new_tokens");
  config.max_length = count_of(fields, "max_length");
  config.min_length = count_of(fields, "min_length");
  config.no_repeat_ngram_size = count_of(fields, "no_repeat_ngram_size");
  config.suppress_tokens = tokens_of(fields, "suppress_tokens");
  config.begin_suppress_tokens = tokens_of(fields, "begin_suppress_tokens");
  config.stop_strings = stops_of(fields);
  // These fields only describe the origin of the file.
  for (const char* name : {"transformers_version", "_from_model_config"}) fields.ignore(name);
  nlohmann::json others;
  for (const std::string& name : fields.unread()) others[name] = json[name];
  if (!others.is_null()) config.others = others.dump();
  ignore_neutral_settings(fields);
  config.ignored = fields.unread();
  return config;
}

GenerationConfig read_generation_config(const fs::path& folder, std::int64_t vocab_size) {
  fs::path path = folder / generation_config_name;
  GenerationConfig config;
  if (is_there(path)) {
    config = parse_generation_config(read_model_file(folder, generation_config_name, largest_config), path);
  } else {
    constexpr const char* config_name = "config.json";
    path = folder / config_name;
    std::error_code failed;
    if (!fs::exists(path, failed)) return {};
    const nlohmann::json json = parse_strict_json(read_model_file(folder, config_name, largest_config), path);
    config = ids_of(Fields(json, path, ""));
  }
  require_within(config, vocab_size, path);
  return config;
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
  add("max_new_tokens", config.max_new_tokens);
  add("min_new_tokens", config.min_new_tokens);
  add("max_length", config.max_length);
  add("min_length", config.min_length);
  add("no_repeat_ngram_size", config.no_repeat_ngram_size);
  const auto add_all = [&json](const char* name, const auto& values) {
    if (!values.empty()) json[name] = values;
  };
  add_all("suppress_tokens", config.suppress_tokens);
  add_all("begin_suppress_tokens", config.begin_suppress_tokens);
  add_all("stop_strings", config.stop_strings);
  if (!config.others.empty()) json.update(nlohmann::ordered_json::parse(config.others));
  return json.dump(2) + "\n";
}

void write_generation_config(const std::filesystem::path& folder, const GenerationConfig& config) {
  if (config != GenerationConfig{}) write_file_atomically(folder / generation_config_name, to_json_text(config));
}

}  // namespace multipl_moe
