#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "moe/core/index.hpp"
#include "moe/core/random.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// How the rows of x_TD fall into sequences, and what is known of each row. Sequence b holds rows
/// [offsets[b], offsets[b+1]). `tokens` and `languages` are empty or have one entry a row; only routers and segmenters
/// that ask for them read them, and whoever owns them keeps them alive as long as the batch is used. In training a
/// layer that draws random numbers draws them from `random` and throws Error without it; other layers never look at
/// it. Inference draws from it too, or from StepKey{} where there is none.
struct Batch {
  /// Where each sequence begins, and behind them all the number of rows: one entry more than sequences.
  std::vector<Index> offsets{0};
  /// Token id of each row, or empty.
  std::span<const std::int32_t> tokens{};
  /// Language of each row, or empty.
  std::span<const std::int32_t> languages{};
  /// What random numbers are drawn from: another step for every forward pass of a run.
  std::optional<StepKey> random{};

  /// One sequence of `rows` rows.
  static Batch single(Index rows) { return ragged({rows}); }
  /// `count` sequences of `length` rows each.
  static Batch sequences(Index count, Index length) {
    return ragged(std::vector<Index>(static_cast<std::size_t>(count), length));
  }
  /// One sequence for each length. Throws Error for a negative length.
  static Batch ragged(const std::vector<Index>& lengths) {
    Batch batch;
    for (const Index length : lengths) {
      require(length >= 0, "Batch::ragged", "a sequence's length must not be negative, got ", length);
      batch.offsets.push_back(batch.offsets.back() + length);
    }
    return batch;
  }

  Index rows() const { return offsets.back(); }
  Index count() const { return static_cast<Index>(offsets.size()) - 1; }
};

/// Throws Error unless `batch` describes exactly `rows` rows.
inline void require_batch(const Batch& batch, Index rows, std::string_view where) {
  require(!batch.offsets.empty() && batch.offsets.front() == 0 &&
              std::is_sorted(batch.offsets.begin(), batch.offsets.end()),
          where, "the batch's offsets must start at 0 and never descend");
  require(batch.rows() == rows, where, "x has ", rows, " rows, the batch describes ", batch.rows());
  const auto known = [&](std::size_t entries) { return entries == 0 || static_cast<Index>(entries) == rows; };
  require(known(batch.tokens.size()), where, "x has ", rows, " rows, the batch has ", batch.tokens.size(),
          " token ids");
  require(known(batch.languages.size()), where, "x has ", rows, " rows, the batch has ", batch.languages.size(),
          " languages");
}

}  // namespace moe
