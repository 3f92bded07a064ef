/// Rotary position embedding in Qwen's layout: channel i is rotated with channel i + head_dim / 2.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/matrix.hpp"
#include "moe/ops/upload_indices.hpp"
#include "multipl_moe/io/rotation_config.hpp"

namespace multipl_moe {

/// The angle per position of each pair of channels, in radians, and the factor of all sines and cosines.
struct RotaryFrequencies {
  std::vector<double> frequency;
  double magnitude = 1;
};

/// theta^(-2 i / head_dim) for channel i, scaled as `rotation` describes; dynamic scaling is that of a text of `length`
/// tokens.
RotaryFrequencies rotary_frequencies(const Rotation& rotation, moe::Index head_dim, moe::Index length);

/// Cosines and sines of some positions, one row each: column i has the cosine of channel i, column i + half its sine.
template <class Value>
class RotaryTable {
 public:
  /// `width`: channels of a head.
  explicit RotaryTable(moe::Index width) : width_(width) {}

  /// Appends the positions [first, first + count); returns the row of the first.
  moe::Index add(const RotaryFrequencies& turns, moe::Index first, moe::Index count) {
    const moe::Index row = rows(), half = width_ / 2;
    values_.resize(static_cast<std::size_t>((row + count) * width_));
    Value* to = values_.data() + row * width_;
    for (moe::Index p = 0; p < count; ++p, to += width_)
      for (moe::Index i = 0; i < half; ++i) {
        const double angle = static_cast<double>(first + p) * turns.frequency[static_cast<std::size_t>(i)];
        to[i] = static_cast<Value>(turns.magnitude * std::cos(angle));
        to[i + half] = static_cast<Value>(turns.magnitude * std::sin(angle));
      }
    return row;
  }
  moe::Index rows() const { return static_cast<moe::Index>(values_.size()) / width_; }
  const Value* data() const { return values_.data(); }

 private:
  moe::Index width_;
  std::vector<Value> values_;
};

/// The table of the positions [0, n), made again, at least twice as long, when more are needed. Several threads may use
/// it, each with its own context.
template <class Real, class B>
class KeptRotaryTable {
 public:
  using Table = std::shared_ptr<const moe::Matrix<Real, B>>;

  /// The table of at least `count` positions; `turns` must be the same in all calls.
  Table covering(const typename B::Context& context, const RotaryFrequencies& turns, moe::Index count) const {
    const std::lock_guard lock(kept_->mutex);
    if (!kept_->table_PC || kept_->table_PC->rows() < count) kept_->table_PC = made(context, turns, count);
    return kept_->table_PC;
  }

 private:
  struct Kept {
    std::mutex mutex;
    Table table_PC;
  };

  static Table made(const typename B::Context& context, const RotaryFrequencies& turns, moe::Index count) {
    const auto rows = static_cast<moe::Index>(std::bit_ceil(static_cast<std::uint64_t>(count))),
               width = static_cast<moe::Index>(2 * turns.frequency.size());
    RotaryTable<Real> table(width);
    table.add(turns, 0, rows);
    // Of no stream, for it outlives the context: the host waits until it is complete.
    moe::Matrix<Real, B> table_PC(rows, width);
    B::upload(context, table.data(), table_PC.view());
    if constexpr (!B::is_host) {
      Real first;
      B::download(context, table_PC.const_view().rows_between(0, 1).cols_between(0, 1), &first);
    }
    return std::make_shared<const moe::Matrix<Real, B>>(std::move(table_PC));
  }

  std::shared_ptr<Kept> kept_ = std::make_shared<Kept>();
};

/// Rotations of the rows of a pass: row t is rotated by row position_1T(0, t) of the table (RowOperations::turn).
template <class Real, class B>
struct RowRotations {
  std::shared_ptr<const moe::Matrix<Real, B>> table_PC;
  moe::Matrix<moe::Index, B> position_1T;
};

/// The rotary embedding of layers with the same rotation and size of heads, which keeps its table for later passes.
/// Several threads may use it, each with its own context.
template <class Real, class B>
class RotaryEmbedding {
 public:
  using Context = typename B::Context;
  using Rotations = RowRotations<Real, B>;

  RotaryEmbedding() = default;
  RotaryEmbedding(Rotation rotation, moe::Index head_dim) : rotation_(std::move(rotation)), head_dim_(head_dim) {}

  const Rotation& rotation() const { return rotation_; }

  /// Every row at its position in its sequence.
  Rotations of(const Context& context, const moe::Batch& batch) const {
    moe::Index longest = 0;
    std::vector<moe::Index> positions;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const moe::Index length = batch.offsets[b + 1] - batch.offsets[b];
      longest = (std::max)(longest, length);
      for (moe::Index t = 0; t < length; ++t) positions.push_back(t);
    }
    if (is_stretched(longest)) return stretched(context, batch);
    return {kept_.covering(context, rotary_frequencies(rotation_, head_dim_, longest), longest),
            moe::upload_indices<B>(context, positions)};
  }
  /// One row per sequence, at the position after its `lengths` tokens.
  Rotations after(const Context& context, const std::vector<moe::Index>& lengths) const {
    const moe::Index longest = lengths.empty() ? 0 : *std::max_element(lengths.begin(), lengths.end()) + 1;
    if (!is_stretched(longest))
      return {kept_.covering(context, rotary_frequencies(rotation_, head_dim_, longest), longest),
              moe::upload_indices<B>(context, lengths)};
    RotaryTable<Real> table(head_dim_);
    std::vector<moe::Index> positions;
    for (const moe::Index length : lengths)
      positions.push_back(table.add(rotary_frequencies(rotation_, head_dim_, length + 1), length, 1));
    return {uploaded(context, table), moe::upload_indices<B>(context, positions)};
  }

 private:
  /// Whether the frequencies depend on the sequence's length, which is that of dynamic scaling beyond the pretraining
  /// length.
  bool is_stretched(moe::Index length) const {
    return rotation_.scaling.type == RotaryScaling::Type::dynamic && length > rotation_.scaling.original_positions;
  }

  /// A table for this batch alone. Each length that is stretched has its own part, all other sequences share one, as
  /// long as the longest of them.
  Rotations stretched(const Context& context, const moe::Batch& batch) const {
    const auto part_of = [&](moe::Index length) { return is_stretched(length) ? length : 0; };
    std::map<moe::Index, moe::Index> longest, first;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const moe::Index length = batch.offsets[b + 1] - batch.offsets[b];
      moe::Index& positions = longest[part_of(length)];
      positions = (std::max)(positions, length);
    }
    RotaryTable<Real> table(head_dim_);
    for (const auto& [part, positions] : longest)
      first[part] = table.add(rotary_frequencies(rotation_, head_dim_, positions), 0, positions);
    std::vector<moe::Index> positions;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const moe::Index length = batch.offsets[b + 1] - batch.offsets[b];
      for (moe::Index t = 0; t < length; ++t) positions.push_back(first.at(part_of(length)) + t);
    }
    return {uploaded(context, table), moe::upload_indices<B>(context, positions)};
  }
  std::shared_ptr<const moe::Matrix<Real, B>> uploaded(const Context& context, const RotaryTable<Real>& table) const {
    auto table_PC = moe::Matrix<Real, B>::uninitialized(context, table.rows(), head_dim_);
    B::upload(context, table.data(), table_PC.view());
    return std::make_shared<const moe::Matrix<Real, B>>(std::move(table_PC));
  }

  Rotation rotation_{};
  moe::Index head_dim_ = 0;
  KeptRotaryTable<Real, B> kept_;
};

}  // namespace multipl_moe
