/// Amounts of bytes for people.
#pragma once

#include <cstdint>
#include <string>

namespace multipl_moe {

/// Of memory: `1.50 GiB`.
std::string gib(std::int64_t bytes);
/// Of memory in the unit that fits: `12 KiB`, `3.1 MiB`, `1.50 GiB`.
std::string memory_text(std::int64_t bytes);
/// Of files: `0.4 kB`, `12.3 MB`, `21.5 GB`: thousands, as on disks.
std::string short_bytes(double bytes);

}  // namespace multipl_moe
