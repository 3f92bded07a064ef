/// Which language a text is in, by Markdown's code fences.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

/// Reads a text piece by piece and says in which language it goes on: between the line ```python and the line ``` in
/// Python, elsewhere in none.
///
/// A fence is a line of at least three backticks or tildes, at most three spaces before them, as CommonMark has it. The
/// first word behind an opening fence names the language; a name that is not one of ours opens code in none. A fence
/// closes with as many of its own marks or more and nothing behind them. What a line is, its end decides: a fence's own
/// line is still in the language before it, and its line end is the first character that the new language follows.
class FenceReader {
 public:
  /// `outside`: the language wherever no fence is open.
  explicit FenceReader(std::optional<Language> outside = std::nullopt) : outside_(outside) {}

  /// Takes the next bytes of the text, a whole line or a part of one, and gives the language of what comes after them.
  std::optional<Language> read(std::string_view piece);
  /// The language of what comes next.
  std::optional<Language> language() const { return marks_ > 0 ? inside_ : outside_; }

 private:
  void end_line();

  std::optional<Language> outside_;
  std::optional<Language> inside_;  ///< the open fence's
  std::size_t marks_ = 0;           ///< of the open fence; 0: none is open
  char mark_ = 0;                   ///< which of the two they are
  std::string line_;                ///< so far
};

}  // namespace multipl_moe
