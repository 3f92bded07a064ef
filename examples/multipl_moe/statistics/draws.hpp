/// Random draws of the resampling methods, the same on every machine.
#pragma once

#include <cstdint>

#include "moe/core/random.hpp"

namespace multipl_moe::statistics {

/// A stream of draws that depends only on its seed and its number.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint32_t stream) : key_{seed, 0, stream} {}

  /// A number in [0, count), uniform up to a relative error of count / 2^32. 0 < `count` < 2^32.
  std::uint64_t below(std::uint64_t count) {
    if (left_ == 0) words_ = moe::random_words(key_, block_++);
    left_ = left_ == 0 ? 3 : left_ - 1;
    return words_[left_] * count >> 32;
  }

 private:
  moe::RandomKey key_;
  std::uint64_t block_ = 0;
  moe::Words<4> words_{};
  std::size_t left_ = 0;
};

}  // namespace multipl_moe::statistics
