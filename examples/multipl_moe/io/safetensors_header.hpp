/// The part of the safetensors reader that parses untrusted text.
#pragma once

#include <cstdint>

#include "multipl_moe/io/safetensors.hpp"

namespace multipl_moe {

struct SafetensorsHeader {
  std::uint64_t data_begin = 0;  ///< bytes from the start of the file
  TensorMetadata metadata;
  TensorEntries entries;
};

/// Throws BadFile if a rule of the format or a limit of SafetensorsFile::open() is violated. Memory grows with the
/// contents of a valid header, never with the sizes that an invalid one claims: the text is read in pieces, and its
/// outline is checked before anything is stored.
SafetensorsHeader read_safetensors_header(const InputFile& file);

}  // namespace multipl_moe
