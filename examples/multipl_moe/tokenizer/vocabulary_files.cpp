#include "multipl_moe/tokenizer/vocabulary_files.hpp"

#include <fmt/format.h>

#include <charconv>
#include <nlohmann/json.hpp>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/strict_json.hpp"
#include "multipl_moe/io/utf8.hpp"
#include "multipl_moe/tokenizer/checked_added.hpp"
#include "multipl_moe/tokenizer/tokenizer_events.hpp"

namespace multipl_moe {

namespace {

using Json = nlohmann::json;

Token number_of(const std::string& text, const std::filesystem::path& path) {
  Token number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || number == ~Token{0})
    throw BadFile(
        path, fmt::format("added_tokens_decoder: a key must be a number below 2^32 - 1, found '{}'", escaped(text)));
  return number;
}

/// Throws BadFile if `config` has `key` with another value than `wanted`.
void require_if_there(const Json& config, const std::string& key, const Json& wanted,
                      const std::filesystem::path& path) {
  if (const auto found = config.find(key); found != config.end() && !found->is_null() && *found != wanted)
    throw BadFile(path, fmt::format("{} must be {}, found {}", key, wanted.dump(), escaped(found->dump(), 80)));
}

}  // namespace

void parse_vocabulary_json(NamedText file, RawVocabulary& raw) {
  if (!parse_tokenizer_events(file.text, VocabularyPlace::root, raw, file.path).is_null())
    throw BadFile(file.path, "must be an object of tokens and their ids");
}

void parse_merges_text(NamedText file, RawVocabulary& raw) {
  const std::string_view text = without_mark(file.text);
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find('\n'), rest.size());
    // A token never contains a carriage return itself: the byte-level alphabet has another character for it.
    const std::string_view line = without_return(rest.substr(0, end));
    if (rest.size() != text.size() || !line.starts_with("#version")) raw.add_merge(line, file.path);
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
}

std::vector<AddedToken> added_tokens_of(const Json& decoder, const std::filesystem::path& path) {
  std::vector<AddedToken> added;
  for (const auto& [key, value] : decoder.items()) added.push_back(added_token(value, number_of(key, path), path));
  sort_added(added, path);
  return added;
}

std::vector<AddedToken> parse_tokenizer_config(NamedText file) {
  const std::filesystem::path& path = file.path;
  const Json config = parse_strict_json(file.text, path);
  if (!config.is_object()) throw BadFile(path, "must be an object");
  const auto kind = config.find("tokenizer_class");
  if (kind != config.end() && *kind != "Qwen2Tokenizer" && *kind != "Qwen2TokenizerFast")
    throw BadFile(path, fmt::format("tokenizer_class must be Qwen2Tokenizer, found {}", escaped(kind->dump(), 80)));
  require_if_there(config, "add_prefix_space", false, path);
  for (const char* name : {"split_special_tokens", "add_bos_token", "add_eos_token"})
    require_if_there(config, name, false, path);
  const auto tokens = config.find("added_tokens_decoder");
  if (tokens == config.end() || !tokens->is_object())
    throw BadFile(path, "added_tokens_decoder must be an object, found none");
  return added_tokens_of(*tokens, path);
}

TokenizerParts parse_vocabulary_files(NamedText vocabulary, NamedText merges, const NamedText* config) {
  RawVocabulary raw;
  parse_vocabulary_json(vocabulary, raw);
  parse_merges_text(merges, raw);
  TokenizerParts parts;
  if (config != nullptr) parts.added = parse_tokenizer_config(*config);
  parts.vocabulary = raw.vocabulary(parts.added, vocabulary.path);
  parts.merges = raw.merges(parts.vocabulary, merges.path);
  if (config == nullptr) {
    const auto known = parts.vocabulary.find(end_of_text_name);
    parts.added.push_back(
        {std::string(end_of_text_name), known ? *known : static_cast<Token>(parts.vocabulary.size()), true, false});
  }
  check_added(parts.added, parts.vocabulary, config != nullptr ? config->path : vocabulary.path);
  return parts;
}

}  // namespace multipl_moe
