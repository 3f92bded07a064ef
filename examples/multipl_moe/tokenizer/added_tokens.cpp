#include "multipl_moe/tokenizer/added_tokens.hpp"

#include <algorithm>
#include <functional>
#include <utility>

namespace multipl_moe {

AddedTokenFinder::AddedTokenFinder(std::vector<AddedToken> tokens) : tokens_(std::move(tokens)) {
  for (const AddedToken& token : tokens_) {
    by_content_.emplace(token.content, &token);
    lengths_[static_cast<unsigned char>(token.content.front())].push_back(token.content.size());
  }
  for (auto& lengths : lengths_) {
    std::sort(lengths.begin(), lengths.end(), std::greater<>());
    lengths.erase(std::unique(lengths.begin(), lengths.end()), lengths.end());
  }
}

AddedTokenFinder::Found AddedTokenFinder::find(std::string_view text, std::size_t begin) const {
  if (tokens_.empty()) return {text.size(), nullptr};
  for (std::size_t i = begin; i < text.size(); ++i)
    for (const std::size_t length : lengths_[static_cast<unsigned char>(text[i])])
      if (length <= text.size() - i)
        if (const auto found = by_content_.find(text.substr(i, length)); found != by_content_.end())
          return {i, found->second};
  return {text.size(), nullptr};
}

}  // namespace multipl_moe
