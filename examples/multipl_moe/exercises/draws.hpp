/// Random draws that are the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "multipl_moe/io/hash.hpp"

namespace multipl_moe::exercises {

/// A stream of draws that depends only on its seed and its name.
class Draws {
 public:
  Draws(std::uint64_t seed, std::string_view stream) : seed_(hash_of(stream, seed)) {}

  /// A number in [0, count), uniform up to a relative error of count / 2^32. 0 < `count` < 2^32.
  std::uint64_t below(std::uint64_t count) { return ((hash_of_numbers({drawn_++}, seed_) >> 32) * count) >> 32; }
  /// A number in [first, last].
  std::int64_t between(std::int64_t first, std::int64_t last) {
    return first + static_cast<std::int64_t>(below(static_cast<std::uint64_t>(last - first + 1)));
  }
  /// An element of an array or a vector, which must not be empty.
  template <class Items>
  const auto& one_of(const Items& items) {
    return items[static_cast<std::size_t>(below(items.size()))];
  }

 private:
  std::uint64_t seed_;
  std::uint64_t drawn_ = 0;
};

}  // namespace multipl_moe::exercises
