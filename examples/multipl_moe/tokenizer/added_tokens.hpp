#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// A token that is looked for in the text itself, before it is cut into words.
struct AddedToken {
  std::string content;
  Token id = 0;
  bool is_special = true;      ///< a signal to the model, no text
  bool is_normalized = false;  ///< looked for after the text was normalized

  bool operator==(const AddedToken&) const = default;
};

/// Finds added tokens in texts: the leftmost one first, and where several begin the longest.
class AddedTokenFinder {
 public:
  /// `content` of none may be empty; of equal ones the first counts. `tokens` is copied.
  explicit AddedTokenFinder(std::vector<AddedToken> tokens);
  AddedTokenFinder(const AddedTokenFinder&) = delete;
  AddedTokenFinder& operator=(const AddedTokenFinder&) = delete;

  struct Found {
    std::size_t begin;
    const AddedToken* token;  ///< null: there is none, and begin is the text's size
  };

  /// The first one in `text` from `begin` on.
  Found find(std::string_view text, std::size_t begin) const;

 private:
  std::vector<AddedToken> tokens_;
  std::unordered_map<std::string_view, const AddedToken*> by_content_;
  std::array<std::vector<std::size_t>, 256> lengths_;  ///< of the tokens that begin with a byte, each once, falling
};

}  // namespace multipl_moe
