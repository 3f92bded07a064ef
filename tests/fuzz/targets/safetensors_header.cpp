/// A safetensors file whose header size is always right: the first byte is the number of data bytes, the rest is the
/// header.
#include <cstdint>

#include "fuzz/safetensors_property.hpp"

namespace multipl_moe::fuzz {

const Registered safetensors_header("safetensors_header", [](std::string_view bytes) {
  if (bytes.empty()) return false;
  const std::uint64_t size = bytes.size() - 1;
  std::string file(reinterpret_cast<const char*>(&size), sizeof size);
  file += bytes.substr(1);
  file.append(static_cast<std::uint8_t>(bytes.front()), '\x3c');
  return takes_safetensors(file);
});

}  // namespace multipl_moe::fuzz
