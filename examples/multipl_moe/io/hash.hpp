/// XXH3, 64 bits: the program's only hash, for checksums, held-out splits and keyed permutations. Its values are stored
/// in files, so they are the same on every machine and in every version.
#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <span>
#include <string_view>

namespace multipl_moe {

std::uint64_t hash_of(std::span<const std::byte> bytes, std::uint64_t key = 0);
std::uint64_t hash_of(std::string_view text, std::uint64_t key = 0);
/// The hash of numbers, each as 8 little-endian bytes.
std::uint64_t hash_of_numbers(std::initializer_list<std::uint64_t> numbers, std::uint64_t key = 0);

/// Incremental hash; equals hash_of() of the concatenated bytes.
class RunningHash {
 public:
  RunningHash();
  RunningHash(RunningHash&&) noexcept;
  RunningHash& operator=(RunningHash&&) noexcept;
  ~RunningHash();

  void add(std::span<const std::byte> bytes);
  std::uint64_t value() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace multipl_moe
