#include "multipl_moe/tokenizer/checked_added.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

constexpr std::size_t longest_content = 512;

bool flag(const nlohmann::json& object, const std::string& name, const std::filesystem::path& path) {
  const auto found = object.find(name);
  if (found == object.end() || !found->is_boolean())
    throw BadFile(path, fmt::format("an added token must have {}, true or false", name));
  return found->get<bool>();
}

}  // namespace

AddedToken added_token(const nlohmann::json& object, Token id, const std::filesystem::path& path) {
  if (!object.is_object()) throw BadFile(path, "an added token must be an object");
  for (const auto& [key, value] : object.items())
    if (std::string_view names[]{"id", "content", "special", "normalized", "lstrip", "rstrip", "single_word", "__type"};
        std::find(std::begin(names), std::end(names), key) == std::end(names))
      throw BadFile(path, fmt::format("an added token must not have {}", escaped(key)));
  const auto content = object.find("content");
  if (content == object.end() || !content->is_string())
    throw BadFile(path, "an added token must have content, a string");
  AddedToken token{content->get<std::string>(), id, flag(object, "special", path), flag(object, "normalized", path)};
  if (token.content.empty() || token.content.size() > longest_content)
    throw BadFile(path, fmt::format("an added token's content must have 1 to {} bytes, found {}", longest_content,
                                    token.content.size()));
  for (const char* name : {"lstrip", "rstrip", "single_word"})
    if (flag(object, name, path))
      throw BadFile(
          path, fmt::format("an added token's {} must be false, found true for '{}'", name, escaped(token.content)));
  return token;
}

void sort_added(std::vector<AddedToken>& added, const std::filesystem::path& path) {
  std::sort(added.begin(), added.end(),
            [](const AddedToken& left, const AddedToken& right) { return left.id < right.id; });
  std::unordered_set<std::string_view> contents;
  for (std::size_t i = 0; i < added.size(); ++i) {
    if (i > 0 && added[i].id == added[i - 1].id)
      throw BadFile(path, fmt::format("added tokens must have distinct ids, found {} for '{}' and '{}'", added[i].id,
                                      escaped(added[i - 1].content), escaped(added[i].content)));
    if (!contents.insert(added[i].content).second)
      throw BadFile(path, fmt::format("an added token must occur once, found '{}' twice", escaped(added[i].content)));
  }
}

void check_added(const std::vector<AddedToken>& added, const Vocabulary& vocabulary,
                 const std::filesystem::path& path) {
  std::size_t next = vocabulary.size();
  for (const AddedToken& token : added) {
    const auto known = vocabulary.find(token.content);
    const std::size_t number = known ? *known : next++;
    if (token.id != number)
      throw BadFile(path, fmt::format("the added token '{}' must have the id {}, found {}", escaped(token.content),
                                      number, token.id));
  }
}

}  // namespace multipl_moe
