#pragma once

#include <algorithm>

#include "moe/backend/cpu/packing.hpp"
#include "moe/backend/cpu/parallel.hpp"
#include "moe/backend/cpu/pool.hpp"
#include "moe/backend/cpu/product.hpp"
#include "moe/backend/cpu/row_kernel.hpp"
#include "moe/core/list_view.hpp"

namespace moe {

/// The library's own matrix product. Both operands are packed into the layout of the register tiles: the left operand
/// once for a whole grouped product, the right one by each task that uses it, packed_at_once panels at a time, unless
/// PackedWeights already has it. Each result element is one chain of sums in the order of the inner index
/// (cpu::register_tile), so the bits of a row of a forward product do not depend on the other rows. The exception is a
/// group of at most cpu::few_rows rows whose weight is not in PackedWeights: cpu::multiply_rows reads the weight as it
/// is stored and computes in another order.
struct TileGemm {
  /// c += op(a) op(b), all row-major; on the calling thread alone within a task of the context.
  template <Product product, class Real, class Backend, class Context>
  static void add(const Context& context, View<const Real, Backend> a, View<const Real, Backend> b,
                  View<Real, Backend> c) {
    if (c.empty()) return;
    const Index offsets[] = {0, a.rows};
    Lhs<product, Real, Backend>(context, a, {offsets, 2})
        .multiply(0, 0, 0, c.rows, {b}, 0, c.cols, c, cpu::StoreMode::accumulate);
  }

  /// A packed left operand.
  template <Product product, class Real, class Backend>
  class Lhs {
   public:
    /// Maximum number of result panels per task.
    static constexpr Index widest = product == Product::right_transposed ? 4 : 16;
    /// Panels packed at a time. The next panels of the task are prefetched while these are multiplied.
    static constexpr Index packed_at_once = product == Product::right_transposed ? 1 : widest;
    /// Result rows per task.
    static constexpr Index rows_step = 32 * cpu::tile_rows;
    /// Result columns per task, for a task of `rows` rows in a result of `tiles` row tiles and `cols` columns. Wide
    /// tasks read memory in longer runs, so the width is halved only until there are 16 tasks or it is one panel. The
    /// number 16 is fixed, so the division into tasks, and with it the results, do not depend on the number of threads.
    static constexpr Index cols_step(Index rows, Index tiles, Index cols) {
      constexpr Index panel = cpu::panel_cols<Real>, tasks = 16;
      if (product == Product::right_transposed && rows <= cpu::few_rows) return 8 * panel;
      Index step = widest * panel;
      while (step > panel && tiles * ((cols + step - 1) / step) < tasks) step /= 2;
      return step;
    }

    /// Maximum number of result values per task.
    static constexpr Index largest_tile = (rows_step + rows_step / 4) * widest * cpu::panel_cols<Real>;

    /// Packs rows [offsets[g], offsets[g+1]) of a for group g. Throws std::bad_alloc if out of memory.
    template <class Context>
    Lhs(const Context& context, View<const Real, Backend> a, ListView<Index> offsets)
        : a_(a),
          cols_(a.cols),
          offsets_(offsets),
          packed_(context, packed_size(a, offsets.size - 1)),
          panels_(context, packed_at_once * cpu::panel_cols<Real> *
                               (std::min)(product == Product::left_transposed ? a.rows : a.cols, most_deep)) {
      constexpr Index task = 8 * cpu::tile_rows;
      if constexpr (product == Product::left_transposed) {
        const Index tasks = (a.cols + task - 1) / task;
        cpu::parallel(context, (offsets.size - 1) * tasks, [&](Index i) {
          const Index group = i / tasks, col = i % tasks * task;
          const auto rows = a.rows_between(offsets[group], offsets[group + 1]);
          for_each_strip(col, (std::min)(col + task, cols_),
                         [&](Index c, Index cols) { cpu::pack_strip_of_columns(rows, c, cols, strip(group, c)); });
        });
      } else {
        const auto whole_rows = [](Index, Index, Index) { return Index{1}; };
        cpu::for_each_tile(
            context, offsets, task, 1, whole_rows, [&](Index group, Index row, Index end, Index, Index, Index) {
              for_each_strip(row, end, [&](Index r, Index rows) { cpu::pack_strip(a, r, rows, strip(group, r)); });
            });
      }
    }

    /// c = or += op(a) op(b) for exactly the result rows [row, rows_end) and columns [col, cols_end), which c views.
    /// Rows are numbered over all groups; with Product::left_transposed, within the group's result.
    void multiply(Index worker, Index group, Index row, Index rows_end, cpu::Rhs<Real, Backend> right, Index col,
                  Index cols_end, View<Real, Backend> c, cpu::StoreMode into) {
      constexpr Index panel_cols = cpu::panel_cols<Real>;
      const Index group_rows = offsets_[group + 1] - offsets_[group];
      const Index depth = product == Product::left_transposed ? group_rows : cols_;
      if constexpr (product == Product::right_transposed)
        if (group_rows <= cpu::few_rows && !right.packed)
          return cpu::multiply_rows(a_.rows_between(row, rows_end), right.b.rows_between(col, cols_end), c, into);
      for (Index next; col < cols_end; col = next) {
        next = (std::min)(col + packed_at_once * panel_cols, cols_end);
        multiply_panels(worker, group, row, rows_end, depth, right, col, next, c.cols_between(0, next - col), into);
        c = c.cols_between(next - col, c.cols);
      }
    }

   private:
    /// Maximum depth of a block of the sum, so that panels stay in the L2 cache while strips are multiplied by them.
    static constexpr Index most_deep = product == Product::right_transposed ? 2048 : 256;

    /// multiply() for columns whose panels fit into the worker's scratch memory.
    void multiply_panels(Index worker, Index group, Index row, Index rows_end, Index depth,
                         cpu::Rhs<Real, Backend> right, Index col, Index cols_end, View<Real, Backend> c,
                         cpu::StoreMode into) {
      const Index blocks = std::max<Index>(1, (depth + most_deep - 1) / most_deep);
      const Index step = (depth + blocks - 1) / blocks;
      for (Index block = 0; block < blocks; ++block) {
        const Range summed{block * step, (std::min)(depth, (block + 1) * step)};
        const auto multiply_strips = [&](const auto* panels, Ahead ahead) {
          this->multiply_strips(group, {row, rows_end}, summed, panels, c,
                                block == 0 ? into : cpu::StoreMode::accumulate, ahead);
        };
        Real* const own = panels_.of(worker);
        if constexpr (product == Product::right_transposed) {
          const Index at = col * depth + summed.begin * cpu::panel_cols<Real>;
          if (right.packed.whole != nullptr) {
            multiply_strips(right.packed.whole + at, {});
          } else if (right.packed.narrow != nullptr) {
            if constexpr (cpu::can_be_narrow<Real>) {
              if (rows_end - row <= cpu::few_rows) {
                multiply_strips(right.packed.narrow + at, {});
              } else {
                cpu::widen(right.packed.narrow + at, summed.size() * cpu::panel_cols<Real>, own);
                multiply_strips(own, {});
              }
            }
          } else {
            cpu::pack_panels_of_rows(right.b, summed.begin, summed.end, col, cols_end, own);
            // The next panel is one contiguous range if the sum is a single block and rows have no padding.
            const bool follows = blocks == 1 && cols_end < right.b.rows && right.b.stride == right.b.cols;
            const Real* next = follows ? right.b.row(cols_end).data : nullptr;
            multiply_strips(own, follows ? Ahead{next, next + cpu::panel_cols<Real> * depth} : Ahead{});
          }
        } else {
          cpu::pack_panels(right.b, summed.begin, summed.end, col, cols_end, own);
          multiply_strips(own, {});
        }
      }
    }
    /// The range [begin, end).
    struct Range {
      Index begin, end;
      Index size() const { return end - begin; }
    };
    /// The memory that is read next, to be prefetched.
    struct Ahead {
      const Real *begin = nullptr, *end = nullptr;
    };
    /// Multiplies the strips of the rows by contiguous panels.
    template <class Stored>
    void multiply_strips(Index group, Range rows, Range summed, const Stored* panels, View<Real, Backend> c,
                         cpu::StoreMode into, Ahead ahead) {
      constexpr Index panel_cols = cpu::panel_cols<Real>;
      const Index step = (summed.size() + cpu::prefetch_every - 1) / cpu::prefetch_every * cpu::line<Real>;
      for_each_strip(rows.begin, rows.end, [&](Index row, Index count) {
        const Real* const left = strip(group, row) + summed.begin * count;
        const bool more = ahead.end - ahead.begin > step;
        for (Index j = 0; j < c.cols; j += panel_cols)
          add_tile(count, summed.size(), left, panels + j * summed.size(), tile(c, row - rows.begin, count, j), into,
                   more ? ahead.begin : left);
        if (more) ahead.begin += step;
      });
    }
    template <class F>
    static void for_each_strip(Index row, Index rows_end, const F& f) {
      for (; row < rows_end; row += cpu::tile_rows) f(row, (std::min)(cpu::tile_rows, rows_end - row));
    }
    /// The strip that begins with result row `row`, numbered as in multiply(). Each strip is followed by a margin.
    Real* strip(Index group, Index row) {
      constexpr Index margin = cpu::strip_margin<Real>;
      if constexpr (product == Product::left_transposed) {
        const Index strips = (cols_ + cpu::tile_rows - 1) / cpu::tile_rows;
        return packed_.data() + offsets_[group] * cols_ + row * (offsets_[group + 1] - offsets_[group]) +
               (group * strips + row / cpu::tile_rows) * margin;
      } else {
        // Each group begins a new strip, so at most row / tile_rows + group strips precede this one.
        return packed_.data() + row * cols_ + (row / cpu::tile_rows + group) * margin;
      }
    }
    /// Number of values of all strips with their margins. The number of margins is rounded up to a multiple of 16.
    static Index packed_size(View<const Real, Backend> a, Index groups) {
      constexpr Index few = 16;
      const Index strips = product == Product::left_transposed
                               ? groups * ((a.cols + cpu::tile_rows - 1) / cpu::tile_rows)
                               : a.rows / cpu::tile_rows + groups;
      return a.rows * a.cols + (strips / few + 1) * few * cpu::strip_margin<Real>;
    }
    const Real* strip(Index group, Index row) const { return const_cast<Lhs*>(this)->strip(group, row); }

    static View<Real, Backend> tile(View<Real, Backend> c, Index row, Index rows, Index col) {
      return c.rows_between(row, row + rows).cols_between(col, (std::min)(col + cpu::panel_cols<Real>, c.cols));
    }
    template <class Stored>
    static void add_tile(Index rows, Index depth, const Real* left, const Stored* panel, View<Real, Backend> c,
                         cpu::StoreMode into, const Real* ahead) {
      constexpr Index panel_cols = cpu::panel_cols<Real>;
      if (c.cols >= panel_cols) return cpu::multiply_tile(rows, depth, left, panel, c.data, c.stride, into, ahead);
      Real whole[static_cast<std::size_t>(cpu::tile_rows * panel_cols)];
      if (into == cpu::StoreMode::accumulate)
        for (Index r = 0; r < rows; ++r)
          std::fill(std::copy_n(c.row(r).data, c.cols, whole + r * panel_cols), whole + (r + 1) * panel_cols, Real(0));
      cpu::multiply_tile(rows, depth, left, panel, whole, panel_cols, into, ahead);
      for (Index r = 0; r < rows; ++r) std::copy_n(whole + r * panel_cols, c.cols, c.row(r).data);
    }

    View<const Real, Backend> a_;
    Index cols_;
    ListView<Index> offsets_;
    cpu::Buffer<Real> packed_;
    cpu::Scratch<Real> panels_;
  };
};

}  // namespace moe
