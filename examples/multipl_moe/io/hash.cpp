#define XXH_INLINE_ALL  // only one translation unit uses it, so that no library has to be linked
#include <xxhash.h>

#include <bit>

#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

static_assert(std::endian::native == std::endian::little, "files are little-endian");

std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t key) {
  return XXH3_64bits_withSeed(bytes.data(), bytes.size(), key);
}

std::uint64_t hash_of(std::string_view text, std::uint64_t key) { return hash_of(std::as_bytes(std::span(text)), key); }

std::uint64_t hash_of_numbers(std::initializer_list<std::uint64_t> numbers, std::uint64_t key) {
  return hash_of(std::as_bytes(std::span(numbers.begin(), numbers.size())), key);
}

struct RunningHash::State {
  XXH3_state_t xxh3;
};

RunningHash::RunningHash() : state_(std::make_unique<State>()) { XXH3_64bits_reset(&state_->xxh3); }
RunningHash::RunningHash(RunningHash&&) noexcept = default;
RunningHash& RunningHash::operator=(RunningHash&&) noexcept = default;
RunningHash::~RunningHash() = default;

void RunningHash::add(std::span<const std::byte> bytes) {
  XXH3_64bits_update(&state_->xxh3, bytes.data(), bytes.size());
}

std::uint64_t RunningHash::value() const { return XXH3_64bits_digest(&state_->xxh3); }

}  // namespace multipl_moe
