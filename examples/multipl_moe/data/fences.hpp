/// Detects the language of a text by Markdown's code fences.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe {

/// Reads a text piece by piece and reports the language of the text that follows: Python between the line ```python and
/// the line ```, for example, and none elsewhere.
///
/// As in CommonMark, a fence is a line of at least three backticks or tildes after at most three spaces. The first word
/// after an opening fence names the language; an unknown name opens code in no language. A closing fence has at least
/// as many of the same marks and nothing after them. A line is classified at its end: the fence line itself is still in
/// the previous language, and the new language begins after its line end.
class FenceReader {
 public:
  /// `outside`: the language outside of fences.
  explicit FenceReader(std::optional<Language> outside = std::nullopt) : outside_(outside) {}

  /// Reads the next bytes of the text, which may end within a line, and returns the language of the text after them.
  std::optional<Language> read(std::string_view piece);
  /// The language of the text that follows.
  std::optional<Language> language() const { return marks_ > 0 ? inside_ : outside_; }

 private:
  void end_line();

  std::optional<Language> outside_;
  std::optional<Language> inside_;  ///< of the open fence
  std::size_t marks_ = 0;           ///< of the open fence; 0: none is open
  char mark_ = 0;                   ///< backtick or tilde
  std::string line_;                ///< the current line so far
};

}  // namespace multipl_moe
