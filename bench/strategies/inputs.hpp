/// What strategies are run on: rows whose experts come easily, unevenly, or by language.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "moe/core/batch.hpp"

namespace moe_bench {

using moe::Index;

/// Token ids of drawn rows lie in [0, vocabulary).
constexpr std::int32_t vocabulary = 1000;

enum class Input {
  iid,        // every row normal, on its own
  zipf,       // a row is its token's vector and a little noise, tokens follow Zipf's law: some are frequent
  languages,  // each sequence has a language; a row is that language's center and noise
};
std::optional<Input> parse_input(std::string_view name);

/// Rows in host memory, and what is known of them.
struct Rows {
  Index width = 0;
  std::vector<float> x_TD;
  std::vector<std::int32_t> tokens, languages;
  std::vector<Index> lengths;

  Index count() const { return static_cast<Index>(tokens.size()); }
  /// It reads tokens and languages where they lie; whatever is drawn is the same in every pass, so that passes compare.
  moe::Batch batch() const;
  /// The first `rows` of them as one sequence.
  Rows first(Index rows) const;
  /// These sequences, and behind them those of `more`.
  Rows followed_by(const Rows& more) const;
};

/// Sequences of these lengths, languages taking turns: the same for the same seed. Zipf's tokens have the same vectors,
/// and languages the same centers, whatever the seed.
Rows draw_rows(Input input, const std::vector<Index>& lengths, Index width, Index languages, std::uint64_t seed);

}  // namespace moe_bench
