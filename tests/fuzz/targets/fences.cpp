/// Any text has fences or has none; how it is cut into pieces must not matter. The first byte says how long they are.
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
    require(language == pieces.language(), "what is read is what comes next");
  }
  require(whole.read(text) == pieces.language(), "pieces give the language that the whole gives");
  return true;
});

}  // namespace multipl_moe::fuzz
