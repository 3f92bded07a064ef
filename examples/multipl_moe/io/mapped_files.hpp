/// Mapped files whose bytes can become unreadable while the program runs.
#pragma once

#include <filesystem>
#include <memory>

#include "moe/safetensors/file_mapping.hpp"

namespace multipl_moe {

/// As long as `mapping` of the file `path` exists: if the system cannot read one of its bytes, because the file was
/// truncated or its disk failed, the process ends with exit code 5 and a message that names the file, not by a signal.
void name_mapped_file(const std::shared_ptr<const moe::io::FileMapping>& mapping, const std::filesystem::path& path);

}  // namespace multipl_moe
