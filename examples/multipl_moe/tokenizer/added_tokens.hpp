#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// A token that is matched in the text itself, before the text is split into words.
struct AddedToken {
  std::string content;
  Token id = 0;
  bool is_special = true;      ///< a control token, not text
  bool is_normalized = false;  ///< matched after the text is normalized

  bool operator==(const AddedToken&) const = default;
};

/// Finds added tokens in texts: the leftmost match, and the longest of those that begin at the same place.
class AddedTokenFinder {
 public:
  /// No `content` may be empty; of tokens with equal content, the first one counts. `tokens` is copied.
  explicit AddedTokenFinder(std::vector<AddedToken> tokens);
  AddedTokenFinder(const AddedTokenFinder&) = delete;
  AddedTokenFinder& operator=(const AddedTokenFinder&) = delete;

  struct Found {
    std::size_t begin;
    const AddedToken* token;  ///< null: there is no match, and begin is the text's size
  };

  /// The first match in `text` from `begin` on.
  Found find(std::string_view text, std::size_t begin) const;

 private:
  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string_view, const AddedToken*> by_content_;
  std::array<std::vector<std::size_t>, 256> lengths_;  ///< by first byte: distinct token lengths, descending
};

}  // namespace multipl_moe
