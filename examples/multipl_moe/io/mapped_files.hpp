/// Mapped files whose bytes can become unreadable while the program runs.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>

namespace multipl_moe {

/// From now on, if the system cannot read one of `bytes`, which map the file `path`, because the file was truncated or
/// its disk failed, the process ends with exit code 5 and a message that names the file, not by a signal. `bytes` must
/// stay mapped until the process ends.
void name_mapped_file(std::span<const std::byte> bytes, const std::filesystem::path& path);

}  // namespace multipl_moe
