/// A text that grows token by token and ends at a stop text.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/io/utf8_stream.hpp"
#include "multipl_moe/tokenizer/token.hpp"

namespace multipl_moe {

/// A stop text as a sequence of units: bytes, and signals, which stand for tokens without text. The unit of a byte is
/// its value, that of a signal signal_of() its token.
using StopText = std::u32string;
inline constexpr char32_t signal_of(Token token) { return token + char32_t{256}; }
/// The stop text of bytes only.
StopText stop_of_bytes(std::string_view bytes);

/// Receives bytes and signals and returns the text that may be shown: complete characters that cannot become part of a
/// stop text. Altogether this is the text before the first stop text.
class GrowingText {
 public:
  /// No stop text may be empty.
  explicit GrowingText(std::vector<StopText> stops) : stops_(std::move(stops)) {}
  /// The same with stop texts of bytes only.
  explicit GrowingText(const std::vector<std::string>& stops);

  std::string add(std::string_view bytes) { return add_units(stop_of_bytes(bytes)); }
  /// A signal that no stop text holds has no effect.
  std::string add_signal(Token token);
  /// Whether a stop text has ended the text; nothing may be added after that.
  bool has_stopped() const { return stopped_; }
  /// Ends the text; returns what was held back.
  std::string finish();

 private:
  std::string add_units(std::u32string_view units);
  std::string shown(std::u32string_view units);

  std::vector<StopText> stops_;
  std::u32string open_;  ///< units held back, which may be the beginning of a stop text
  Utf8Stream characters_;
  bool stopped_ = false;
};

}  // namespace multipl_moe
