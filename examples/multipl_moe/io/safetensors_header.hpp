/// The part of the safetensors reader that meets untrusted text.
#pragma once

#include <cstdint>

#include "multipl_moe/io/safetensors.hpp"

namespace multipl_moe {

struct SafetensorsHeader {
  std::uint64_t data_begin = 0;  ///< bytes from the start of the file
  TensorMetadata metadata;
  TensorEntries entries;
};

/// Throws BadFile where any rule of the format or any limit of SafetensorsFile::open() is broken.
/// Memory grows with what a valid header describes, never with what a broken one claims: the text
/// is read in pieces, and its outline is checked before anything is stored.
SafetensorsHeader read_safetensors_header(const InputFile& file);

}  // namespace multipl_moe
