/// Any text is valid, and the result must not depend on how the text is cut into blocks. The first byte sets the length
/// of the blocks.
#include "multipl_moe/data/fences.hpp"

#include <cstdint>

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered fences("fences", [](std::string_view bytes) {
  if (bytes.empty()) return false;
  const std::size_t piece = static_cast<std::uint8_t>(bytes.front()) % 16 + 1;
  const std::string_view text = bytes.substr(1);
  FenceReader whole, pieces;
  for (std::size_t at = 0; at < text.size(); at += piece) {
    const auto language = pieces.read(text.substr(at, piece));
    require(language == pieces.language(), "read() returns the language of the text that follows");
  }
  require(whole.read(text) == pieces.language(), "text in blocks gives the same language as the whole text");
  return true;
});

}  // namespace multipl_moe::fuzz
