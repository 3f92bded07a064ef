#pragma once

#include <string>
#include <string_view>

namespace multipl_moe {

/// Converts bytes that arrive in pieces of any size to valid UTF-8. A character is returned once its last byte has
/// arrived. Bytes that cannot become a character are replaced by U+FFFD, one for each maximal prefix of a character.
/// The concatenated output does not depend on how the bytes are divided.
class Utf8Stream {
 public:
  /// The characters that are completed by `bytes`.
  std::string add(std::string_view bytes);
  /// The rest of the text, after the last bytes.
  std::string finish();

 private:
  std::string taken(bool is_end);

  std::string rest_;
};

/// Converts all of `bytes` at once.
std::string valid_utf8(std::string_view bytes);

}  // namespace multipl_moe
