#include "multipl_moe/tokenizer/files_beside.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe {

namespace {

using Json = nlohmann::json;

const AddedToken* added_in(const TokenizerParts& parts, std::string_view content) {
  const auto found = std::find_if(parts.added.begin(), parts.added.end(),
                                  [&](const AddedToken& token) { return token.content == content; });
  return found == parts.added.end() ? nullptr : &*found;
}

Json object_in(NamedText file) {
  Json json = parse_strict_json(file.text, file.path);
  if (!json.is_object()) throw BadFile(file.path, "must be an object");
  return json;
}

std::string shown(const Json& value) { return escaped(value.dump(-1, ' ', false, Json::error_handler_t::replace), 80); }

/// Throws BadFile unless the field is absent, null or false.
void require_off(const Json& config, const char* name, const std::filesystem::path& path) {
  const auto found = config.find(name);
  if (found != config.end() && !found->is_null() && *found != false)
    throw BadFile(path, fmt::format("{} must be false, found {}", name, shown(*found)));
}

void require_special(const Json& token, const std::string& role, const TokenizerParts& parts,
                     const std::filesystem::path& path) {
  if (token.is_null()) return;
  if (token.is_array()) {
    for (const Json& each : token) require_special(each, role, parts, path);
    return;
  }
  const Json& content = token.is_object() && token.contains("content") ? token["content"] : token;
  if (!content.is_string()) throw BadFile(path, fmt::format("{} must name tokens, found {}", role, shown(token)));
  const AddedToken* const added = added_in(parts, content.get_ref<const std::string&>());
  if (added == nullptr || !added->is_special)
    throw BadFile(path,
                  fmt::format("{} must be a special token of the tokenizer beside it, found {}", role, shown(content)));
}

}  // namespace

void check_tokenizer_config(NamedText file, const TokenizerParts& parts) {
  const Json config = object_in(file);
  for (const char* name : {"add_prefix_space", "split_special_tokens", "add_bos_token", "add_eos_token"})
    require_off(config, name, file.path);
  if (const auto tokens = config.find("added_tokens_decoder"); tokens != config.end() && tokens->is_object())
    for (const AddedToken& token : added_tokens_of(*tokens, file.path))
      if (const AddedToken* const known = added_in(parts, token.content);
          known == nullptr || known->id != token.id || known->is_special != token.is_special)
        throw BadFile(file.path, fmt::format("added_tokens_decoder must have the added tokens of tokenizer.json, found "
                                             "'{}' with the id {}, {}special",
                                             escaped(token.content), token.id, token.is_special ? "" : "not "));
  if (const auto clean = config.find("clean_up_tokenization_spaces"); clean != config.end() && *clean == true)
    notice_once(
        fmt::format("warning: {}: clean_up_tokenization_spaces requests changes to generated text, which stays "
                    "unchanged\n",
                    escaped(file.path.native())));
  constexpr const char* classes[] = {"Qwen2Tokenizer", "Qwen2TokenizerFast", "PreTrainedTokenizerFast",
                                     "TokenizersBackend"};
  if (const auto kind = config.find("tokenizer_class");
      kind != config.end() && !kind->is_null() &&
      std::find(std::begin(classes), std::end(classes), *kind) == std::end(classes))
    notice_once(fmt::format(
        "warning: {}: with tokenizer_class {}, other programs may not tokenize as tokenizer.json describes\n",
        escaped(file.path.native()), shown(*kind)));
}

void check_added_tokens(NamedText file, const TokenizerParts& parts) {
  const Json tokens = object_in(file);
  for (const auto& [content, id] : tokens.items()) {
    const AddedToken* const added = added_in(parts, content);
    if (added == nullptr || id != added->id)
      throw BadFile(file.path, fmt::format("must have added tokens of the tokenizer beside it, found '{}' with the "
                                           "id {}",
                                           escaped(content), shown(id)));
  }
}

void check_special_tokens(NamedText file, const TokenizerParts& parts) {
  const Json roles = object_in(file);
  for (const auto& [role, token] : roles.items()) require_special(token, escaped(role, 60), parts, file.path);
}

}  // namespace multipl_moe
