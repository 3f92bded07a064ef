/// Bytes in blocks and all at once. The first byte sets the length of the blocks.
#include "multipl_moe/io/utf8_stream.hpp"

#include <cstdint>

#include "fuzz/target.hpp"
#include "multipl_moe/io/utf8.hpp"

namespace multipl_moe::fuzz {

const Registered utf8_stream("utf8_stream", [](std::string_view bytes) {
  if (bytes.empty()) return true;
  const std::size_t piece = static_cast<std::uint8_t>(bytes.front()) % 8 + 1;
  bytes.remove_prefix(1);
  Utf8Stream stream;
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += piece) text += stream.add(bytes.substr(at, piece));
  text += stream.finish();
  require(text == valid_utf8(bytes), "blocks give the same text as all bytes at once");
  require(valid_utf8(text) == text, "valid text does not change");
  bool is_text = true;
  for (std::string_view rest = bytes; is_text && !rest.empty();) {
    const std::size_t size = code_point_bytes(rest);
    is_text = size > 0;
    rest.remove_prefix(size);
  }
  require(is_text == (text == bytes), "bytes change only if they are not valid text");
  for (std::string_view rest = text; !rest.empty(); rest.remove_prefix(code_point_bytes(rest)))
    require(code_point_bytes(rest) > 0, "the result is valid UTF-8");
  return true;
});

}  // namespace multipl_moe::fuzz
