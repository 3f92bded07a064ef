/// The library's file access under the program's names.
#pragma once

#include "moe/safetensors/file.hpp"
#include "moe/safetensors/free_disk.hpp"

namespace multipl_moe {

using moe::io::CheckedFile;
using moe::io::Descriptor;
using moe::io::free_disk_bytes;
using moe::io::InputFile;
using moe::io::is_there;
using moe::io::read_whole_file;
using moe::io::require_free_disk;
using moe::io::sync_path;

}  // namespace multipl_moe
