#pragma once

#include <string>
#include <string_view>

namespace multipl_moe {

/// Makes UTF-8 of bytes that come piece by piece, wherever the pieces end: a character is given when its last byte has
/// come, and what cannot become one is U+FFFD, once for the longest beginning of a character that it is. What comes out
/// in all depends on all bytes alone.
class Utf8Stream {
 public:
  /// The characters that end within `bytes`.
  std::string add(std::string_view bytes);
  /// What is left when no more bytes come.
  std::string finish();

 private:
  std::string taken(bool is_end);

  std::string rest_;
};

/// All of `bytes` at once.
std::string valid_utf8(std::string_view bytes);

}  // namespace multipl_moe
