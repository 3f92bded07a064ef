#pragma once

#include <cstdint>

#include "moe/backend/cpu/isa/instruction_set.hpp"
#include "moe/backend/cpu/product.hpp"
#include "moe/core/adamw_scalars.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/master_weights.hpp"
#include "moe/core/random.hpp"

namespace moe::cpu {

/// Columns of the widest panel of any instruction set. Tasks are multiples of it in every set, so that their borders,
/// and the partial sums that depend on them, are the same in all sets.
template <class Real>
inline constexpr Index block_cols = 128 / static_cast<Index>(sizeof(Real));
/// Rows of the highest register tile of any instruction set.
inline constexpr Index most_tile_rows = 14;
/// Steps of the inner index from one prefetch of a register tile to the next.
inline constexpr Index prefetch_every = 4;
/// Values per cache line.
template <class Real>
inline constexpr Index line = 64 / static_cast<Index>(sizeof(Real));

/// c[r][j] = or += sum over k of left[k][r] right[k][j] for the rows of a strip and a panel of columns; rows of c are
/// `stride` apart. Each element is one chain of sums that begins at 0 or at c and adds k in order, so its bits do not
/// depend on other rows or columns, nor on where a long sum is split and stored. `ahead` is prefetched.
template <class Real, class Stored>
using TileKernel = void (*)(Index depth, const Real* left, const Stored* right, Real* c, Index stride, StoreMode into,
                            const Real* ahead);
/// The same for two panels that follow each other, the second one `panel_values` after the first, and thus twice as
/// many columns. Sums of 1 or 2 rows are too few for one panel: each step would wait for the one before.
template <class Real, class Stored>
using TwoTilesKernel = void (*)(Index depth, const Real* left, const Stored* right, Index panel_values, Real* c,
                                Index stride, StoreMode into, const Real* ahead);
/// Maximum number of rows of a TwoTilesKernel.
inline constexpr Index paired_rows = 2;
/// c[r][j] = or += sum over k of a[r][k] b[j][k] for a few rows and j in [0, cols). Sums run in the lanes of 64 bytes,
/// which are then added pairwise: bits do not depend on other rows or columns, nor on the type that stores a value of
/// b, but differ from those of TileKernel.
template <class Value, class Stored = Value>
using RowsKernel = void (*)(Index depth, Index cols, const Value* a, Index a_stride, const Stored* b, Index b_stride,
                            Accum<Value>* c, Index c_stride, StoreMode into);

/// The kernels of matrix products for one instruction set, and the layout of packed operands that they read. Sums are
/// in the accumulation type Real of the values. Packed operands consist of words of that type: a value, or the bits of
/// a pair of bfloat16 values that follow each other along the inner index.
template <class Value>
struct ProductKernels {
  using Real = Accum<Value>;

  /// The set that the kernels are compiled for.
  InstructionSet set;
  /// Values of a word: 1, or 2 for bfloat16 where the set multiplies pairs.
  Index values_per_word;
  /// Words that packing may write past the end of a strip.
  Index strip_margin;
  /// Rows of a register tile and of a strip.
  Index tile_rows;
  /// Columns of a register tile and of a panel; block_cols is a multiple of it.
  Index panel_cols;
  /// Register tiles of 1 to tile_rows rows.
  const TileKernel<Real, Real>* tiles;
  /// Register tiles of 1 to few_rows rows for panels in bfloat16; null if Real is not float.
  const TileKernel<Real, BFloat16>* narrow_tiles;
  /// Products of 1 to few_rows rows.
  const RowsKernel<Value>* few_rows;
  /// The same for a right operand in bfloat16; null if Value is not float.
  const RowsKernel<Value, BFloat16>* narrow_few_rows;

  /// Packs `rows` (at most tile_rows) rows of `cols` values interleaved: to[k rows + r] = x[r stride + k]; here and
  /// below for words of one value. The matrix has `rows_left` rows from x on. Also writes up to strip_margin words past
  /// the strip.
  void (*pack_strip)(const Value* x, Index stride, Index rows_left, Index cols, Index rows, Real* to);
  /// Packs `cols` (at most tile_rows) columns of `rows` values: to[k cols + c] = x[k stride + c]. The matrix has
  /// `cols_left` columns from x on. Also writes up to strip_margin words past the strip.
  void (*pack_strip_of_columns)(const Value* x, Index stride, Index cols_left, Index rows, Index cols, Real* to);
  /// Packs `depth` rows of `cols` values into consecutive panels of words(depth) x panel_cols words. In the first panel
  /// to[k panel_cols + c] = x[k stride + c]. Columns past the last one are 0.
  void (*pack_panels)(const Value* x, Index stride, Index depth, Index cols, Real* to);
  /// The same for the transpose of `rows` rows of `depth` values: in the first panel to[k panel_cols + c] =
  /// x[c stride + k].
  void (*pack_panels_of_rows)(const Value* x, Index stride, Index depth, Index rows, Real* to);
  /// The same for rows in bfloat16; null if Value is not float.
  void (*pack_narrow_panels_of_rows)(const BFloat16* x, Index stride, Index depth, Index rows, Real* to);
  /// Converts `count` (a multiple of panel_cols) values from bfloat16; null if Real is not float.
  void (*widen)(const BFloat16* from, Index count, Real* to);
  /// Pairs of register tiles of 1 to paired_rows rows for panels in bfloat16; null if Real is not float.
  const TwoTilesKernel<Real, BFloat16>* paired_narrow_tiles;
  /// Register tiles of 1 to few_rows rows for panels of 8 bits, which begin with a group; null if Value is not float,
  /// as are those that follow.
  const TileKernel<Real, std::int8_t>* int8_tiles;
  /// Pairs of them, of 1 to paired_rows rows.
  const TwoTilesKernel<Real, std::int8_t>* paired_int8_tiles;
  /// Converts a panel of `depth` rows to Int8Groups::bytes(panel_cols) bytes for each group of rows. Returns whether
  /// all values are finite.
  bool (*pack_int8_panel)(const Real* panel, Index depth, std::int8_t* to);
  /// The inverse for a panel that begins with a group.
  void (*widen_int8_panel)(const std::int8_t* panel, Index depth, Real* to);

  /// Words of `depth` values along the inner index.
  Index words(Index depth) const { return (depth + values_per_word - 1) / values_per_word; }

  /// Calls the register tile of `rows` rows.
  void multiply_tile(Index rows, Index depth, const Real* left, const Real* right, Real* c, Index stride,
                     StoreMode into, const Real* ahead) const {
    tiles[rows - 1](depth, left, right, c, stride, into, ahead);
  }
  /// The same for a panel in bfloat16 and at most few_rows rows.
  void multiply_tile(Index rows, Index depth, const Real* left, const BFloat16* right, Real* c, Index stride,
                     StoreMode into, const Real* ahead) const {
    narrow_tiles[rows - 1](depth, left, right, c, stride, into, ahead);
  }
  /// The same for a panel in 8 bits.
  void multiply_tile(Index rows, Index depth, const Real* left, const std::int8_t* right, Real* c, Index stride,
                     StoreMode into, const Real* ahead) const {
    int8_tiles[rows - 1](depth, left, right, c, stride, into, ahead);
  }
  /// Calls the pair of register tiles of `rows` (at most paired_rows) rows.
  void multiply_two_tiles(Index rows, Index depth, const Real* left, const BFloat16* right, Index panel_values, Real* c,
                          Index stride, StoreMode into, const Real* ahead) const {
    paired_narrow_tiles[rows - 1](depth, left, right, panel_values, c, stride, into, ahead);
  }
  /// The same for panels in 8 bits.
  void multiply_two_tiles(Index rows, Index depth, const Real* left, const std::int8_t* right, Index panel_values,
                          Real* c, Index stride, StoreMode into, const Real* ahead) const {
    paired_int8_tiles[rows - 1](depth, left, right, panel_values, c, stride, into, ahead);
  }
};

/// Kernels on rows of values. Sums run in sixteen interleaved lanes, which are then added pairwise; the order depends
/// on `size` alone.
template <class Real>
struct RowKernels {
  /// sum_i a_i b_i.
  Real (*dot)(const Real* a, const Real* b, Index size);
  /// sum_i a_i^2 in double.
  double (*sum_of_squares)(const Real* a, Index size);
  /// to_i = factor from_i.
  void (*scale)(Index size, Real factor, const Real* from, Real* to);
  /// to_i += factor from_i.
  void (*add_scaled)(Index size, Real factor, const Real* from, Real* to);
  /// to_i = e^(from_i - shift), within 2 units in the last place, for from_i - shift <= 88; 0 if it is not a normal
  /// number of the type. Returns the sum. to may be from.
  Real (*exponentials)(Index size, Real shift, const Real* from, Real* to);
  /// The gradient of the arguments of a softmax with the results p, from that of p: d_i = factor p_i (d_i - inner),
  /// where inner = sum_i p_i d_i over the whole row.
  void (*softmax_backward)(Index size, Real factor, Real inner, const Real* p, Real* d);
};

/// Kernels on rows of bfloat16 values.
struct NarrowRowKernels {
  /// to_i = from_i as a float.
  void (*widen)(Index size, const BFloat16* from, float* to);
  /// to_i = from_i rounded to nearest, ties to even.
  void (*narrow)(Index size, const float* from, BFloat16* to);
  /// to_i += factor from_i.
  void (*add_scaled)(Index size, float factor, const BFloat16* from, float* to);
};

/// The kernels of SwiGLU.
template <class Real>
struct SwiGluKernels {
  /// h = silu(a) b. h may be a.
  void (*forward)(Index size, const Real* a, const Real* b, Real* h);
  /// With d_h = gate d, where d = d_y down is the input in d_h_to_h: a becomes d_a = d_h b sig(a) (1 + a (1 - sig(a))),
  /// b becomes d_b = d_h silu(a), and d becomes gate h with h = silu(a) b recomputed. Returns <d, h>.
  Real (*backward)(Index size, Real gate, Real* a_to_d_a, Real* b_to_d_b, Real* d_h_to_h);
};

/// One AdamW step (equations in AdamWScalars) on the values [first, first + size) of a tensor, at which all pointers
/// point; `first` is a multiple of 64. `lower` is read only with MasterWeights::split and may be null otherwise.
template <MasterWeights master, class Weight, class Moment>
using AdamWKernel = void (*)(Index size, const AdamWScalars<Accum<Weight>>& pace, RandomKey key, Index first,
                             const Accum<Weight>* gradient, Weight* w, std::uint16_t* lower, Moment* m, Moment* v);

}  // namespace moe::cpu
