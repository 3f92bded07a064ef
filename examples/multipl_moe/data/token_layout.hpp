/// The layout of a token file, shared by its reader and its writer; see token_file.hpp.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace multipl_moe {

/// The header as stored in the file: little-endian and without padding.
struct TokenHeader {
  std::array<char, 8> magic{'m', 'o', 'e', 't', 'o', 'k', 's', '\n'};
  std::uint32_t version = 1;
  std::uint32_t token_bytes = 2;
  std::uint64_t vocab_size = 0;
  std::uint64_t tokenizer_hash = 0;
  std::uint64_t documents = 0;
  std::uint64_t tokens = 0;
  std::uint64_t checksum = 0;
};

static_assert(sizeof(TokenHeader) == 56);

/// The part of the header that the checksum covers: all bytes before it.
inline std::span<const std::byte> checked_part(const TokenHeader& header) {
  return std::as_bytes(std::span(&header, 1)).first(offsetof(TokenHeader, checksum));
}

constexpr std::uint64_t largest_vocab = std::uint64_t{1} << 32;

constexpr std::uint32_t token_bytes_for(std::uint64_t vocab_size) { return vocab_size <= 65'536 ? 2 : 4; }

}  // namespace multipl_moe
