/// Rotary position embedding in Qwen's layout: channel i is rotated with channel i + head_dim / 2.
#pragma once

#include <algorithm>
#include <cmath>
#include <map>
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

/// Rotations of the rows of a batch: row t is rotated by row position_1T(0, t) of the table (RowOperations::turn).
template <class Real, class B>
struct RowRotations {
  moe::Matrix<Real, B> table_PC;
  moe::Matrix<moe::Index, B> position_1T;

  RowRotations() = default;
  RowRotations(const typename B::Context& context, moe::Index head_dim, const RotaryTable<Real>& table,
               const std::vector<moe::Index>& positions)
      : table_PC(moe::Matrix<Real, B>::uninitialized(context, table.rows(), head_dim)),
        position_1T(moe::upload_indices<B>(context, positions)) {
    B::upload(context, table.data(), table_PC.view());
  }

  /// Every row at its position in its sequence. With dynamic scaling the frequencies of a long sequence depend on its
  /// length. All other sequences share one part of the table, as long as the longest of them.
  static RowRotations of(const typename B::Context& context, const Rotation& rotation, moe::Index head_dim,
                         const moe::Batch& batch) {
    const auto part_of = [&](moe::Index length) {
      return rotation.scaling.type == RotaryScaling::Type::dynamic && length > rotation.scaling.original_positions
                 ? length
                 : 0;
    };
    std::map<moe::Index, moe::Index> longest, first;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const moe::Index length = batch.offsets[b + 1] - batch.offsets[b];
      moe::Index& positions = longest[part_of(length)];
      positions = (std::max)(positions, length);
    }
    RotaryTable<Real> table(head_dim);
    for (const auto& [part, positions] : longest)
      first[part] = table.add(rotary_frequencies(rotation, head_dim, positions), 0, positions);
    std::vector<moe::Index> positions;
    for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b) {
      const moe::Index length = batch.offsets[b + 1] - batch.offsets[b];
      for (moe::Index t = 0; t < length; ++t) positions.push_back(first.at(part_of(length)) + t);
    }
    return {context, head_dim, table, positions};
  }
  /// One row per sequence, at the position after its `lengths` tokens.
  static RowRotations after(const typename B::Context& context, const Rotation& rotation, moe::Index head_dim,
                            const std::vector<moe::Index>& lengths) {
    RotaryTable<Real> table(head_dim);
    std::vector<moe::Index> positions;
    for (const moe::Index length : lengths)
      positions.push_back(table.add(rotary_frequencies(rotation, head_dim, length + 1), length, 1));
    return {context, head_dim, table, positions};
  }
};

}  // namespace multipl_moe
