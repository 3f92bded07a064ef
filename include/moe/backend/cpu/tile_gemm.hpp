#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/backend/cpu/parallel.hpp"
#include "moe/backend/cpu/pool.hpp"
#include "moe/backend/cpu/product.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/int8_groups.hpp"
#include "moe/core/list_view.hpp"

namespace moe {

/// The library's own matrix product. Both operands are packed into the layout of the register tiles: the left operand
/// once for a whole grouped product, the right one by each task that uses it, packed_at_once panels at a time, unless
/// PackedWeights already has it. Each result element is one chain of sums in the order of the inner index
/// (cpu::TileKernel), so the bits of a row of a forward product do not depend on the other rows. The exception is a
/// group of at most cpu::few_rows rows whose weight is not in panels: cpu::RowsKernel reads the weight as it is stored
/// and computes in another order.
///
/// Sums of bfloat16 values are float, in any instruction set. A result in bfloat16 is rounded once, after the sum, also
/// where it is added to. AVX512-BF16 multiplies pairs of values, in an order and with a rounding that the CPU defines,
/// and takes values below the smallest normal number as 0. The other sets widen the values and add each product by a
/// fused multiply-add (SSE2: rounded before it is added).
struct TileGemm {
  /// c += op(a) op(b), all row-major; c is M x N, op(a) M x K, op(b) K x N. On the calling thread alone within a task
  /// of the context. Sums of bfloat16 values are not rounded. Throws std::bad_alloc if out of memory.
  template <Product product, class Value, class Backend, class Context>
  static void add(const Context& context, View<const Value, Backend> a, View<const Value, Backend> b,
                  View<Accum<Value>, Backend> c) {
    multiply<product, Value, Backend>(context, a, b, c, cpu::StoreMode::accumulate);
  }
  /// The same for c = op(a) op(b), whatever c held.
  template <Product product, class Value, class Backend, class Context>
  static void write(const Context& context, View<const Value, Backend> a, View<const Value, Backend> b,
                    View<Accum<Value>, Backend> c) {
    multiply<product, Value, Backend>(context, a, b, c, cpu::StoreMode::overwrite);
  }

  /// A packed left operand.
  template <Product product, class Value, class Backend>
  class Lhs {
    using Real = Accum<Value>;
    static constexpr bool is_rounded = !std::is_same_v<Value, Real>;

   public:
    /// Maximum number of result blocks per task.
    static constexpr Index widest = product == Product::right_transposed ? 4 : 16;
    /// Blocks packed at a time. The next ones of the task are prefetched while these are multiplied.
    static constexpr Index packed_at_once = product == Product::right_transposed ? 1 : widest;
    /// Result rows per task: a multiple of the rows of a strip in every instruction set.
    static constexpr Index rows_step = 420;
    /// Result columns per task, for a task of `rows` rows in a result of `tiles` row tiles and `cols` columns. Wide
    /// tasks read memory in longer runs, so the width is halved only until there are 16 tasks or it is one block. The
    /// number 16 is fixed, so the division into tasks, and with it the results, do not depend on the number of threads.
    static constexpr Index cols_step(Index rows, Index tiles, Index cols) {
      constexpr Index block = cpu::block_cols<Real>, tasks = 16;
      if (product == Product::right_transposed && rows <= cpu::few_rows) return 8 * block;
      Index step = widest * block;
      while (step > block && tiles * ((cols + step - 1) / step) < tasks) step /= 2;
      return step;
    }

    /// Maximum number of result values per task.
    static constexpr Index largest_tile = (rows_step + rows_step / 4) * widest * cpu::block_cols<Real>;

    /// Packs rows [offsets[g], offsets[g+1]) of a for group g. Throws std::bad_alloc if out of memory, Error if MOE_CPU
    /// names an instruction set that the CPU lacks.
    template <class Context>
    Lhs(const Context& context, View<const Value, Backend> a, ListView<Index> offsets)
        : Lhs(context, a, offsets, (std::max)(1, context.threads)) {}
    /// The same for multiply() by workers 0 to `workers` - 1.
    template <class Context>
    Lhs(const Context& context, View<const Value, Backend> a, ListView<Index> offsets, Index workers)
        : a_(a),
          cols_(a.cols),
          offsets_(offsets),
          packed_(context, packed_size(a, offsets.size - 1)),
          panels_(context,
                  packed_at_once * cpu::block_cols<Real> *
                      (std::min)(product == Product::left_transposed ? a.rows : a.cols, most_deep()),
                  workers) {
      const Index task = packed_rows();
      if constexpr (product == Product::left_transposed) {
        const Index tasks = (a.cols + task - 1) / task;
        cpu::parallel(context, (offsets.size - 1) * tasks, [&](Index i) {
          const Index group = i / tasks, col = i % tasks * task;
          const auto rows = a.rows_between(offsets[group], offsets[group + 1]);
          if (rows.rows == 0) return;
          for_each_strip(group, col, (std::min)(col + task, cols_), [&](Index c, Index cols) {
            kernels_.pack_strip_of_columns(rows.data + c, rows.stride, rows.cols - c, rows.rows, cols, strip(group, c));
          });
        });
      } else {
        const auto whole_rows = [](Index, Index, Index) { return Index{1}; };
        cpu::for_each_tile(context, offsets, task, 1, whole_rows,
                           [&](Index group, Index row, Index end, Index, Index, Index) {
                             for_each_strip(group, row, end, [&](Index r, Index rows) {
                               kernels_.pack_strip(a.row(r).data, a.stride, a.rows - r, a.cols, rows, strip(group, r));
                             });
                           });
      }
    }

    /// c = or += op(a) op(b) for exactly the result rows [row, rows_end) and columns [col, cols_end), which c views.
    /// Rows are numbered over all groups; with Product::left_transposed, within the group's result.
    /// The sums, which are rounded to c, have the shape of c.
    void multiply(Index worker, Index group, Index row, Index rows_end, cpu::Rhs<Value, Backend> right, Index col,
                  Index cols_end, View<Value, Backend> c, cpu::StoreMode into, View<Real, Backend> sums) {
      multiply(worker, group, row, rows_end, right, col, cols_end, sums, cpu::StoreMode::overwrite);
      const auto& rows = cpu::narrow_row_kernels();
      for (Index r = 0; r < c.rows; ++r) {
        if (into == cpu::StoreMode::accumulate) rows.add_scaled(c.cols, 1, c.row(r).data, sums.row(r).data);
        rows.narrow(c.cols, sums.row(r).data, c.row(r).data);
      }
    }
    /// The same for a result in the accumulation type.
    void multiply(Index worker, Index group, Index row, Index rows_end, cpu::Rhs<Value, Backend> right, Index col,
                  Index cols_end, View<Real, Backend> c, cpu::StoreMode into) {
      const Index group_rows = offsets_[group + 1] - offsets_[group];
      const Index depth = product == Product::left_transposed ? group_rows : cols_;
      if constexpr (product == Product::right_transposed)
        if (group_rows <= cpu::few_rows && !right.packed)
          return multiply_rows(a_.rows_between(row, rows_end), right, col, cols_end, c, into);
      // Panels that are multiplied where they are need no scratch memory, and are one stream.
      const bool in_place = right.packed && rows_end - row <= cpu::few_rows;
      for (Index next; col < cols_end; col = next) {
        next = in_place ? cols_end : (std::min)(col + packed_at_once * cpu::block_cols<Real>, cols_end);
        multiply_panels(worker, group, row, rows_end, depth, right, col, next, c.cols_between(0, next - col), into);
        c = c.cols_between(next - col, c.cols);
      }
    }

   private:
    /// c = or += a b^T for 1 to few_rows rows of a and the rows [col, cols_end) of b.
    void multiply_rows(View<const Value, Backend> a, cpu::Rhs<Value, Backend> right, Index col, Index cols_end,
                       View<Real, Backend> c, cpu::StoreMode into) const {
      const auto b = right.b.rows_between(col, cols_end);
      if constexpr (cpu::can_be_narrow<Value>)
        if (right.packed.rows != nullptr)
          return kernels_.narrow_few_rows[a.rows - 1](a.cols, c.cols, a.data, a.stride,
                                                      right.packed.rows + col * right.b.cols, right.b.cols, c.data,
                                                      c.stride, into);
      kernels_.few_rows[a.rows - 1](a.cols, c.cols, a.data, a.stride, b.data, b.stride, c.data, c.stride, into);
    }

    /// Maximum depth of a block of the sum, so that panels stay in the L2 cache while strips are multiplied by them. A
    /// sum of pairs is rarely divided: the rows of a weight are then prefetched as one range.
    Index most_deep() const {
      if (product != Product::right_transposed) return 256;
      return kernels_.values_per_word == 1 ? 2048 : 6144;
    }

    /// multiply() for columns whose panels fit into the worker's scratch memory.
    void multiply_panels(Index worker, Index group, Index row, Index rows_end, Index depth,
                         cpu::Rhs<Value, Backend> right, Index col, Index cols_end, View<Real, Backend> c,
                         cpu::StoreMode into) {
      const Index blocks = std::max<Index>(1, (depth + most_deep() - 1) / most_deep());
      // Blocks begin at a word, and those of 8-bit weights at a group.
      const Index unit = right.packed.int8 != nullptr ? Int8Groups::size : kernels_.values_per_word;
      const Index step = ((depth + blocks - 1) / blocks + unit - 1) / unit * unit;
      for (Index block = 0; block < blocks; ++block) {
        const Range summed{block * step, (std::min)(depth, (block + 1) * step)};
        // Panels in own memory have the depth of the block, packed weights that of the whole sum.
        const auto multiply_strips = [&](const auto* panels, Index panel_depth, Ahead ahead) {
          this->multiply_strips(group, {row, rows_end}, summed, panels, panel_depth, c,
                                block == 0 ? into : cpu::StoreMode::accumulate, ahead);
        };
        Real* const own = panels_.of(worker);
        const Index words = kernels_.words(summed.size());
        if constexpr (product == Product::right_transposed && !is_rounded) {
          const Index at = col * depth + summed.begin * kernels_.panel_cols;
          if (right.packed.whole != nullptr) {
            multiply_strips(right.packed.whole + at, depth, {});
          } else if (right.packed.narrow != nullptr) {
            if constexpr (cpu::can_be_narrow<Real>) {
              if (rows_end - row <= cpu::few_rows) {
                multiply_strips(right.packed.narrow + at, depth, {});
              } else {
                for (Index j = 0; j < c.cols; j += kernels_.panel_cols)
                  kernels_.widen(right.packed.narrow + at + j * depth, summed.size() * kernels_.panel_cols,
                                 own + j * summed.size());
                multiply_strips(own, summed.size(), {});
              }
            }
          } else if (right.packed.int8 != nullptr) {
            if constexpr (cpu::can_be_narrow<Real>) {
              // Bytes of a panel for each of its rows of the weight.
              const Index panel_depth = Int8Groups::bytes(Int8Groups::count(depth));
              const std::int8_t* const panels =
                  right.packed.int8 + col * panel_depth +
                  Int8Groups::bytes(summed.begin / Int8Groups::size * kernels_.panel_cols);
              if (rows_end - row <= cpu::few_rows) {
                multiply_strips(panels, panel_depth, {});
              } else {
                for (Index j = 0; j < c.cols; j += kernels_.panel_cols)
                  kernels_.widen_int8_panel(panels + j * panel_depth, summed.size(), own + j * summed.size());
                multiply_strips(own, summed.size(), {});
              }
            }
          } else if (right.packed.rows != nullptr) {
            if constexpr (cpu::can_be_narrow<Real>) {
              kernels_.pack_narrow_panels_of_rows(right.packed.rows + col * depth + summed.begin, depth, summed.size(),
                                                  c.cols, own);
              multiply_strips(own, summed.size(), {});
            }
          } else {
            kernels_.pack_panels_of_rows(right.b.row(col).data + summed.begin, right.b.stride, summed.size(), c.cols,
                                         own);
            multiply_strips(own, summed.size(), blocks == 1 ? next_rows(right.b, cols_end) : Ahead{});
          }
        } else if constexpr (product == Product::right_transposed) {
          if (summed.size() > 0)
            kernels_.pack_panels_of_rows(right.b.row(col).data + summed.begin, right.b.stride, summed.size(), c.cols,
                                         own);
          multiply_strips(own, words, blocks == 1 ? next_rows(right.b, cols_end) : Ahead{});
        } else {
          if (summed.size() > 0)
            kernels_.pack_panels(right.b.row(summed.begin).data + col, right.b.stride, summed.size(), c.cols, own);
          multiply_strips(own, words, {});
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
    /// The block of rows of b from `row` on: one contiguous range if rows have no padding.
    static Ahead next_rows(View<const Value, Backend> b, Index row) {
      if (row >= b.rows || b.stride != b.cols) return {};
      const auto* const begin = reinterpret_cast<const Real*>(b.row(row).data);
      return {begin, begin + cpu::block_cols<Real> * b.cols * static_cast<Index>(sizeof(Value)) /
                                 static_cast<Index>(sizeof(Real))};
    }
    /// Multiplies the strips of the rows by panels that are panel_depth rows apart.
    template <class Stored>
    void multiply_strips(Index group, Range rows, Range summed, const Stored* panels, Index panel_depth,
                         View<Real, Backend> c, cpu::StoreMode into, Ahead ahead) {
      const Index panel_cols = kernels_.panel_cols;
      const Index words = kernels_.words(summed.size());
      const Index step = (words + cpu::prefetch_every - 1) / cpu::prefetch_every * cpu::line<Real>;
      for_each_strip(group, rows.begin, rows.end, [&](Index row, Index count) {
        const Real* const left = strip(group, row) + kernels_.words(summed.begin) * count;
        Index j = 0;
        if constexpr (!std::is_same_v<Stored, Real>)
          if (count <= cpu::paired_rows)
            for (; j + 2 * panel_cols <= c.cols; j += 2 * panel_cols)
              kernels_.multiply_two_tiles(count, words, left, panels + j * panel_depth, panel_depth * panel_cols,
                                          c.row(row - rows.begin).data + j, c.stride, into, left);
        for (; j < c.cols; j += panel_cols) {
          const bool more = ahead.end - ahead.begin > step;
          add_tile(count, words, left, panels + j * panel_depth, tile(c, row - rows.begin, count, j), into,
                   more ? ahead.begin : left);
          if (more) ahead.begin += step;
        }
      });
    }
    /// Rows of a group's strips. Groups that are packed by one task are divided evenly: a low last strip would keep the
    /// registers less busy.
    Index strip_rows(Index group) const {
      const Index most = kernels_.tile_rows;
      if constexpr (product == Product::left_transposed) return most;
      const Index rows = offsets_[group + 1] - offsets_[group], strips = (rows + most - 1) / most;
      return rows == 0 || rows > packed_rows() ? most : (rows + strips - 1) / strips;
    }
    /// Result rows per task of packing.
    Index packed_rows() const { return 8 * kernels_.tile_rows; }
    template <class F>
    void for_each_strip(Index group, Index row, Index rows_end, const F& f) const {
      const Index step = strip_rows(group);
      for (; row < rows_end; row += step) f(row, (std::min)(step, rows_end - row));
    }
    /// The strip that begins with result row `row`, numbered as in multiply(). Each strip is followed by a margin.
    Real* strip(Index group, Index row) {
      const Index margin = kernels_.strip_margin, tile_rows = kernels_.tile_rows, begin = offsets_[group];
      if constexpr (product == Product::left_transposed) {
        const Index strips = (cols_ + tile_rows - 1) / tile_rows;
        return packed_.data() + words_of_groups(begin, group) * cols_ +
               row * kernels_.words(offsets_[group + 1] - begin) + (group * strips + row / tile_rows) * margin;
      } else {
        // Each group begins a new strip, so at most begin / tile_rows + group strips precede its first one.
        const Index before = begin / tile_rows + group + (row - begin) / strip_rows(group);
        return packed_.data() + row * kernels_.words(cols_) + before * margin;
      }
    }
    const Real* strip(Index group, Index row) const { return const_cast<Lhs*>(this)->strip(group, row); }
    /// Words along the inner index of groups with `rows` rows together, each of which may have one that is not full.
    Index words_of_groups(Index rows, Index groups) const {
      return kernels_.values_per_word == 1 ? rows : kernels_.words(rows) + groups;
    }
    /// Number of words of all strips with their margins. The number of margins is rounded up to a multiple of 16.
    Index packed_size(View<const Value, Backend> a, Index groups) const {
      constexpr Index few = 16;
      const Index tile_rows = kernels_.tile_rows;
      const Index strips = product == Product::left_transposed ? groups * ((a.cols + tile_rows - 1) / tile_rows)
                                                               : a.rows / tile_rows + groups;
      const Index words = product == Product::left_transposed ? words_of_groups(a.rows, groups) * a.cols
                                                              : a.rows * kernels_.words(a.cols);
      return words + (strips / few + 1) * few * kernels_.strip_margin;
    }

    View<Real, Backend> tile(View<Real, Backend> c, Index row, Index rows, Index col) const {
      return c.rows_between(row, row + rows).cols_between(col, (std::min)(col + kernels_.panel_cols, c.cols));
    }
    template <class Stored>
    void add_tile(Index rows, Index depth, const Real* left, const Stored* panel, View<Real, Backend> c,
                  cpu::StoreMode into, const Real* ahead) const {
      const Index panel_cols = kernels_.panel_cols;
      if (c.cols >= panel_cols) return kernels_.multiply_tile(rows, depth, left, panel, c.data, c.stride, into, ahead);
      Real whole[static_cast<std::size_t>(cpu::most_tile_rows * cpu::block_cols<Real>)];
      if (into == cpu::StoreMode::accumulate)
        for (Index r = 0; r < rows; ++r)
          std::fill(std::copy_n(c.row(r).data, c.cols, whole + r * panel_cols), whole + (r + 1) * panel_cols, Real(0));
      kernels_.multiply_tile(rows, depth, left, panel, whole, panel_cols, into, ahead);
      for (Index r = 0; r < rows; ++r) std::copy_n(whole + r * panel_cols, c.cols, c.row(r).data);
    }

    const cpu::ProductKernels<Value>& kernels_ = cpu::product_kernels<Value>();
    View<const Value, Backend> a_;
    Index cols_;
    ListView<Index> offsets_;
    cpu::Buffer<Real> packed_;
    cpu::Scratch<Real> panels_;
  };

 private:
  template <Product product, class Value, class Backend, class Context>
  static void multiply(const Context& context, View<const Value, Backend> a, View<const Value, Backend> b,
                       View<Accum<Value>, Backend> c, cpu::StoreMode into) {
    if (c.empty()) return;
    const Index offsets[] = {0, a.rows};
    Lhs<product, Value, Backend>(context, a, {offsets, 2}, /*workers=*/1)
        .multiply(0, 0, 0, c.rows, {b}, 0, c.cols, c, into);
  }
};

}  // namespace moe
