#pragma once

#include <algorithm>
#include <cstdint>
#include <iterator>
#include <type_traits>

#include "moe/backend/cpu/parallel.hpp"
#include "moe/backend/cpu/pool.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/product.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace cpu {

/// Whether a result overwrites the contents of its memory or is added to them.
enum class StoreMode { overwrite, accumulate };

/// Maximum number of rows for which a weight is read as stored, or as packed: packing or converting it for so few rows
/// costs more than it saves.
inline constexpr Index few_rows = 8;

/// Scratch memory for each worker of a job, allocated by the thread that starts the job.
template <class Real>
class Scratch {
 public:
  /// `size` values for each of the context's threads. Throws std::bad_alloc if out of memory.
  template <class Context>
  Scratch(const Context& context, Index size) : Scratch(context, size, (std::max)(1, context.threads)) {}
  /// The same for workers 0 to `workers` - 1.
  template <class Context>
  Scratch(const Context& context, Index size, Index workers) : size_(size), values_(context, workers * size) {}
  /// The memory of worker number `worker`.
  Real* of(Index worker) { return values_.data() + worker * size_; }

 private:
  Index size_;
  Buffer<Real> values_;
};

/// The rows [begin, end) and the number of columns of a group's result.
struct Extent {
  /// First row, row after the last one, number of columns.
  Index begin, end, cols;
};

/// Calls f(group, row, rows end, col, cols end, worker) for tiles that cover, for every group g of `groups`, the rows
/// [extent.begin, extent.end) times the columns [0, extent.cols) of extent = extent_of(g). cols_step(rows, tiles, cols)
/// returns the number of columns of a tile with `rows` rows, where `tiles` is the number of row tiles. Tile borders
/// depend on shapes alone.
template <class Context, class ExtentOf, class ColsStep, class F>
void for_each_tile_of(const Context& context, Index groups, const ExtentOf& extent_of, Index rows_step,
                      const ColsStep& cols_step, const F& f) {
  struct Rows {
    Index group, begin, end, cols, step, first_task;
  };
  if (groups < 1) return;
  Index total = 0;
  for (Index g = 0; g < groups; ++g) total += extent_of(g).end - extent_of(g).begin;
  // The maximum for any distribution of rows over groups, so that every training step requests the same size.
  Buffer<Rows> list(context, total / rows_step + groups);
  Rows* all = list.data();
  Index filled = 0;
  for (Index g = 0; g < groups; ++g) {
    const Extent extent = extent_of(g);
    for (Index row = extent.begin; row < extent.end && extent.cols > 0;) {
      // A remainder of at most rows_step / 4 rows joins the tile before it.
      const bool last = extent.end - row <= rows_step + rows_step / 4;
      const Index end = last ? extent.end : row + rows_step;
      all[filled++] = {g, row, end, extent.cols, 0, 0};
      row = end;
    }
  }
  Index tasks = 0;
  for (Index i = 0; i < filled; ++i) {
    all[i].step = cols_step(all[i].end - all[i].begin, filled, all[i].cols);
    all[i].first_task = tasks;
    tasks += (all[i].cols + all[i].step - 1) / all[i].step;
  }
  parallel(context, tasks, [=, &f](Index task, Index worker) {
    const Rows& rows = *std::prev(
        std::upper_bound(all, all + filled, task, [](Index wanted, const Rows& r) { return wanted < r.first_task; }));
    const Index col = (task - rows.first_task) * rows.step;
    f(rows.group, rows.begin, rows.end, col, (std::min)(col + rows.step, rows.cols), worker);
  });
}
/// The same for groups with the rows [offsets[g], offsets[g+1]) and `cols` columns.
template <class Context, class ColsStep, class F>
void for_each_tile(const Context& context, ListView<Index> offsets, Index rows_step, Index cols,
                   const ColsStep& cols_step, const F& f) {
  for_each_tile_of(
      context, offsets.size - 1,
      [&](Index g) {
        return Extent{offsets[g], offsets[g + 1], cols};
      },
      rows_step, cols_step, f);
}

/// Whether weights of this type can be packed as BFloat16 or Int8Groups.
template <class Real>
inline constexpr bool can_be_narrow = std::is_same_v<Real, float>;

/// A weight as PackedWeights has it: in panels, in the type of the product, in BFloat16 or in 8 bits, or in rows of
/// BFloat16. At most one pointer is not null.
template <class Real>
struct Panels {
  /// Panels in the type of the product.
  const Real* whole = nullptr;
  /// Panels in BFloat16.
  const BFloat16* narrow = nullptr;
  /// Panels in 8 bits, of Int8Groups.
  const std::int8_t* int8 = nullptr;
  /// Rows in BFloat16, one after the other; the view of the weight then has no values.
  const BFloat16* rows = nullptr;

  /// Whether there are panels.
  explicit operator bool() const { return whole != nullptr || narrow != nullptr || int8 != nullptr; }
};

/// The right operand of one group's product, with its packed copy if there is one.
template <class Real, class Backend>
struct Rhs {
  /// The operand, b.
  View<const Real, Backend> b;
  /// The copy of b in PackedWeights; empty if there is none.
  Panels<Real> packed{};
};

/// Whether Gemm has the function that `Cpu<Gemm>` requires: add<product, Real>(a, b, c), which computes
/// c += op(a) op(b), all row-major, on the calling thread.
template <class Gemm, Product product, class Real, class Backend>
concept AddsProducts = requires(View<const Real, Backend> a, View<const Real, Backend> b, View<Real, Backend> c) {
  Gemm::template add<product, Real>(a, b, c);
};

/// The left operand of a grouped product for a Gemm that multiplies whole matrices, not packed. With
/// Product::left_transposed the sum runs over a group's rows, and rows of the result are columns of the operand.
template <class Gemm, Product product, class Real, class Backend>
class UnpackedLhs {
  static_assert(!std::is_same_v<Real, BFloat16>,
                "Cpu<Gemm>: layers of moe::BFloat16 need Gemm = moe::TileGemm, whose products sum in float");
  static_assert(AddsProducts<Gemm, product, Real, Backend>,
                "Cpu<Gemm>: the Gemm must have add<product, Real>(a, b, c), which adds op(a) op(b) to c");

 public:
  /// Result rows per task.
  static constexpr Index rows_step = 256;
  /// Result columns per task.
  static constexpr Index cols_step(Index, Index, Index) { return 256; }
  /// Maximum number of result values per task.
  static constexpr Index largest_tile = (rows_step + rows_step / 4) * 256;

  /// Rows [offsets[g], offsets[g+1]) of a belong to group g.
  template <class Context>
  UnpackedLhs(const Context&, View<const Real, Backend> a, ListView<Index> offsets) : a_(a), offsets_(offsets) {}
  /// The same for one thread, which calls multiply() as worker 0.
  template <class Context>
  UnpackedLhs(const Context& context, View<const Real, Backend> a, ListView<Index> offsets, Index /*workers*/)
      : UnpackedLhs(context, a, offsets) {}

  /// c = or += op(a) op(b) for exactly the result rows [row, rows_end) and columns [col, cols_end), which c views. Rows
  /// are numbered over all groups; with Product::left_transposed, within the group's result.
  void multiply(Index /*worker*/, Index group, Index row, Index rows_end, Rhs<Real, Backend> right, Index col,
                Index cols_end, View<Real, Backend> c, StoreMode into) {
    require(right.packed.rows == nullptr, "Cpu", "a weight of ", right.b.rows, " x ", right.b.cols,
            " that stays in its file needs the library's own matrix product, Cpu<>");
    if (into == StoreMode::overwrite)
      for (Index r = 0; r < c.rows; ++r) std::fill_n(c.row(r).data, c.cols, Real(0));
    const auto left = product == Product::left_transposed
                          ? a_.rows_between(offsets_[group], offsets_[group + 1]).cols_between(row, rows_end)
                          : a_.rows_between(row, rows_end);
    const auto b = product == Product::right_transposed ? right.b.rows_between(col, cols_end)
                                                        : right.b.cols_between(col, cols_end);
    Gemm::template add<product, Real>(left, b, c);
  }

 private:
  View<const Real, Backend> a_;
  ListView<Index> offsets_;
};

namespace detail {

template <class Gemm, Product product, class Real, class Backend>
struct LhsOf {
  using type = UnpackedLhs<Gemm, product, Real, Backend>;
};
template <class Gemm, Product product, class Real, class Backend>
requires requires { typename Gemm::template Lhs<product, Real, Backend>; }
struct LhsOf<Gemm, product, Real, Backend> {
  using type = typename Gemm::template Lhs<product, Real, Backend>;
};

}  // namespace detail

/// The left operand type of a grouped product: Gemm's Lhs if it has one, otherwise UnpackedLhs.
template <class Gemm, Product product, class Real, class Backend>
using Lhs = typename detail::LhsOf<Gemm, product, Real, Backend>::type;

}  // namespace cpu

}  // namespace moe
