/// Byte counts as text for users.
#pragma once

#include <cstdint>
#include <string>

namespace multipl_moe {

/// Bytes of memory in GiB: `1.50 GiB`.
std::string gib(std::int64_t bytes);
/// Bytes of memory in a fitting binary unit: `12 KiB`, `3.1 MiB`, `1.50 GiB`.
std::string memory_text(std::int64_t bytes);
/// Bytes of files in a fitting decimal unit (powers of 1000): `0.4 kB`, `12.3 MB`, `21.5 GB`.
std::string short_bytes(double bytes);

}  // namespace multipl_moe
