/// A text that comes token by token and ends where it must.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/utf8_stream.hpp"
#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// What ends a text: bytes, and signals among them, which are tokens that say nothing. A byte is its number, a signal
/// signal_of() its token.
using StopText = std::u32string;
inline constexpr char32_t signal_of(Token token) { return token + char32_t{256}; }
/// Bytes alone.
StopText stop_of_bytes(std::string_view bytes);

/// Takes bytes and signals and gives the text that may be shown: whole characters that no stop text can swallow any
/// more. In all that is the text before the first stop text, whenever it is shown.
class GrowingText {
 public:
  /// None of `stops` is empty.
  explicit GrowingText(std::vector<StopText> stops) : stops_(std::move(stops)) {}
  /// The same of bytes alone.
  explicit GrowingText(const std::vector<std::string>& stops);

  std::string add(std::string_view bytes) { return add_units(stop_of_bytes(bytes)); }
  /// One that no stop text holds is as if it had not been.
  std::string add_signal(Token token);
  /// Whether a stop text has ended the text; nothing is added then.
  bool has_stopped() const { return stopped_; }
  /// What was held back when nothing more comes.
  std::string finish();

 private:
  std::string add_units(std::u32string_view units);
  std::string shown(std::u32string_view units);

  std::vector<StopText> stops_;
  std::u32string open_;  ///< what could still be the beginning of a stop text
  Utf8Stream characters_;
  bool stopped_ = false;
};

}  // namespace multipl_moe
