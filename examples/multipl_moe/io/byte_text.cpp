#include "multipl_moe/io/byte_text.hpp"

#include <fmt/format.h>

namespace multipl_moe {

std::string gib(std::int64_t bytes) { return fmt::format("{:.2f} GiB", static_cast<double>(bytes) / (1 << 30)); }

std::string memory_text(std::int64_t bytes) {
  constexpr std::int64_t mebibyte = std::int64_t{1} << 20, gibibyte = std::int64_t{1} << 30;
  if (bytes < mebibyte) return fmt::format("{:.0f} KiB", static_cast<double>(bytes) / 1024);
  if (bytes < gibibyte) return fmt::format("{:.1f} MiB", static_cast<double>(bytes) / (1 << 20));
  return gib(bytes);
}

std::string short_bytes(double bytes) {
  if (bytes < 1e6) return fmt::format("{:.1f} kB", bytes / 1e3);
  if (bytes < 1e9) return fmt::format("{:.1f} MB", bytes / 1e6);
  return fmt::format("{:.1f} GB", bytes / 1e9);
}

}  // namespace multipl_moe
