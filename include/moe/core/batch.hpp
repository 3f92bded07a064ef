#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "moe/core/counted.hpp"
#include "moe/core/index.hpp"
#include "moe/core/random.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Division of the rows of x_TD into sequences, and data about each row. Sequence b has rows
/// [offsets[b], offsets[b+1]). `tokens` and `languages` are views: their memory must outlive the batch. Each of them is
/// empty or has one entry per row, and only routers and segmenters that need it read it. `random` is read only by
/// layers that draw random numbers: required in training (otherwise Error), in inference StepKey{} if absent.
struct Batch {
  /// The first row of each sequence, followed by the number of rows: one entry more than there are sequences.
  std::vector<Index> offsets{0};
  /// Token id of each row, or empty; -1: unknown.
  std::span<const std::int32_t> tokens{};
  /// For each row the index of its programming language, 0-based, as LanguageChoice numbers its experts, or empty; -1:
  /// none or unknown.
  std::span<const std::int32_t> languages{};
  /// Key of all random numbers; needs a different step for every forward pass of a run.
  std::optional<StepKey> random{};

  /// One sequence of `rows` rows.
  static Batch single(Index rows) { return ragged({rows}); }
  /// `count` sequences of `length` rows each. Throws Error as ragged() does, and if `count` is negative.
  static Batch sequences(Index count, Index length) {
    require(count >= 0, "Batch::sequences", "the number of sequences must not be negative, got ", count);
    return ragged(std::vector<Index>(static_cast<std::size_t>(count), length));
  }
  /// One sequence for each length. Throws Error if a length is negative or the number of rows does not fit into an
  /// Index.
  static Batch ragged(const std::vector<Index>& lengths) {
    Batch batch;
    for (const Index length : lengths) {
      require(length >= 0, "Batch::ragged", "a sequence's length must not be negative, got ", length);
      require(length <= (std::numeric_limits<Index>::max)() - batch.offsets.back(), "Batch::ragged",
              "the number of rows must fit into an Index, got ", batch.offsets.back(), " plus ", length);
      batch.offsets.push_back(batch.offsets.back() + length);
    }
    return batch;
  }

  Index rows() const { return offsets.empty() ? 0 : offsets.back(); }
  Index count() const { return offsets.empty() ? 0 : static_cast<Index>(offsets.size()) - 1; }
};

/// Throws Error unless `numbers` is empty or has one entry for each of `rows` rows, and each is -1 (unknown) or not
/// negative. `what` ("token ids") and `whose` ("the batch has") are parts of the message.
inline void require_known(std::span<const std::int32_t> numbers, Index rows, std::string_view where,
                          std::string_view whose, std::string_view what) {
  if (numbers.empty()) return;
  require(static_cast<Index>(numbers.size()) == rows, where, "x has ", counted(rows, "rows"), ", ", whose, " ",
          counted(numbers.size(), what));
  const auto least = std::min_element(numbers.begin(), numbers.end());
  require(*least >= -1, where, what, " must be -1 (unknown) or not negative, got ", *least, " for row ",
          least - numbers.begin());
}

/// Throws Error unless `batch` describes exactly `rows` rows.
inline void require_batch(const Batch& batch, Index rows, std::string_view where) {
  require(!batch.offsets.empty(), where, "the batch's offsets must start at 0, got none");
  require(batch.offsets.front() == 0, where, "the batch's offsets must start at 0, got ", batch.offsets.front());
  const auto descent = std::is_sorted_until(batch.offsets.begin(), batch.offsets.end());
  if (descent != batch.offsets.end())
    require(false, where, "the batch's offsets must never descend, got ", *descent, " after ", descent[-1]);
  require(batch.rows() == rows, where, "x has ", counted(rows, "rows"), ", the batch describes ", batch.rows());
  require_known(batch.tokens, rows, where, "the batch has", "token ids");
  require_known(batch.languages, rows, where, "the batch has", "languages");
}

}  // namespace moe
