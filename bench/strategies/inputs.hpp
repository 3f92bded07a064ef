/// Inputs of the strategies: independent rows, rows by token, or rows by language.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/batch.hpp"

namespace moe_bench {

using moe::Index;

/// Token ids of drawn rows lie in [0, vocabulary).
constexpr std::int32_t vocabulary = 1000;
/// The texts of these token ids: those below 256 are bytes, the others have no text.
std::vector<std::string> texts_of_bytes();

enum class Input {
  iid,        // independent normal rows
  zipf,       // a row is its token's vector plus a little noise; tokens follow Zipf's law, so some are frequent
  languages,  // each sequence has a language; a row is that language's center plus noise
};
std::optional<Input> parse_input(std::string_view name);

/// Rows in host memory, with their tokens and languages, and the lengths of their sequences.
struct Rows {
  Index width = 0;
  std::vector<float> x_TD;
  std::vector<std::int32_t> tokens, languages;
  std::vector<Index> lengths;

  Index count() const { return static_cast<Index>(tokens.size()); }
  /// A batch that refers to these tokens and languages. Random draws are the same in every pass, so that passes are
  /// comparable.
  moe::Batch batch() const;
  /// The first `rows` rows as one sequence.
  Rows first(Index rows) const;
  /// These sequences, followed by those of `more`.
  Rows followed_by(const Rows& more) const;
};

/// Sequences of these lengths, with languages in rotation; the same for the same seed. The vectors of tokens and the
/// centers of languages do not depend on the seed.
Rows draw_rows(Input input, const std::vector<Index>& lengths, Index width, Index languages, std::uint64_t seed);

}  // namespace moe_bench
