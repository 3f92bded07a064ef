#pragma once

#include <thrust/scan.h>
#include <thrust/sort.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/backend/cuda/adamw.cuh"
#include "moe/backend/cuda/buffer.cuh"
#include "moe/backend/cuda/gemm.cuh"
#include "moe/backend/cuda/packets.cuh"
#include "moe/backend/cuda/pieces.cuh"
#include "moe/backend/cuda/score_order.cuh"
#include "moe/backend/cuda/swiglu.cuh"
#include "moe/core/adamw_pace.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/random.hpp"
#include "moe/core/score_order.hpp"

namespace moe {

// clang-format off
/// A backend for a machine of many threads with memory of its own. Everything that is decided or computed is here; what
/// the machine is made of, Device knows:
///
///   Team, Stream                        the threads that share a row; what work is ordered by
///   Device(stream)                      what one stream needs: memory, libraries
///   take, give, copy, zero              memory, ordered by a device's stream or, where the device is null, at once
///   to_device, to_host                  rows of bytes across; the host's memory is its own again on return
///   to_host_later(from, bytes)          a shared Arriving, whose wait() says where they are
///   each(count, f)                      f(i) for i in [0, count), a thread each
///   cells(rows, cols, f)                f(r, c), threads side by side take columns side by side
///   rows(count, f)                      f(r, team) for r in [0, count), a team each
///   policy()                            where Thrust's algorithms run
///   begin_tasks(n), gemm(lane, ...), gemm_batch(list), end_tasks() or abandon_tasks()
///                                       products that need not wait for each other; those of one lane run in order,
///                                       a list of one shape at once
///
/// Work is cut by shapes alone and each number is computed by one team in one order: no atomics.
// clang-format on
template <class Device_>
struct Accelerator {
  /// Its memory is not for the host to read.
  static constexpr bool is_host = false;

  /// What the machine is made of.
  using Device = Device_;
  /// The threads that share a row.
  using Team = typename Device::Team;
  /// Memory of a matrix.
  template <class Value>
  using Buffer = gpu::Buffer<Value, Device>;
  /// Host memory for one call's short lists.
  template <class Value>
  using HostBuffer = gpu::HostBuffer<Value>;

  /// What a run needs and a layer must not own: the stream that all of its work is ordered by, memory and libraries.
  /// Make one, keep it for the whole run. A context, and what was made with it, is for one host thread at a time.
  struct Context {
    /// The default stream.
    Context() : Context(typename Device::Stream{}) {}
    /// The caller's stream, which has to outlive the context and every matrix made with it. Throws DeviceError where
    /// there is no device that can run the library.
    explicit Context(typename Device::Stream stream) : device(std::make_shared<Device>(stream)) {}

    /// Memory and libraries, in the order of the stream.
    std::shared_ptr<Device> device;
    /// The layer's number in the model, which a model sets for each of its layers: observations carry it, and layers
    /// with different numbers draw different random numbers.
    std::uint32_t layer = 0;
    /// Told every decision; may be empty. It makes the host wait for the device.
    Observer observer{};
    /// Told which part of a layer is enqueued from now on; may be empty.
    PhaseListener phases{};
  };

  /// An input of a verb: its value type follows from the output's.
  template <class Value>
  using In = std::type_identity_t<View<const Value, Accelerator>>;
  /// An output of a verb.
  template <class Value>
  using Out = View<Value, Accelerator>;
  /// One weight matrix for each group.
  template <class Value>
  using Weights = std::type_identity_t<ListView<View<const Value, Accelerator>>>;

  // --- anything, row by row or element by element -------------------------------------------------------------------

  /// f(i) for i in [0, count), a thread each; what f(i) writes nobody else does.
  template <class F>
  static void for_each(const Context& context, Index count, const F& f) {
    if (count > 0) context.device->each(count, f);
  }
  /// The same.
  template <class F>
  static void for_each_element(const Context& context, Index count, const F& f) {
    for_each(context, count, f);
  }
  /// f(row, col) for every row below `rows` and every column below `cols`.
  template <class F>
  static void for_each_cell(const Context& context, Index rows, Index cols, const F& f) {
    if (rows > 0 && cols > 0) context.device->cells(rows, cols, f);
  }
  /// f(row, team) for every row below `rows`: the work on one row, shared by a team.
  template <class F>
  static void for_each_row(const Context& context, Index rows, const F& f) {
    if (rows > 0) context.device->rows(rows, f);
  }
  /// f(i) for i in [0, count), by the one host thread that the context is for.
  template <class F>
  static void for_each_on_host(const Context&, Index count, const F& f) {
    for (Index i = 0; i < count; ++i) f(i);
  }

  /// Row-major host values, without gaps, to a view of the same shape.
  template <class Value>
  static void upload(const Context& context, const Value* from, Out<Value> to) {
    if (!to.empty())
      context.device->to_device(to.data, bytes_of<Value>(to.stride), from, bytes_of<Value>(to.cols), to.rows);
  }
  /// A view's values to host memory, row-major without gaps. The host waits for them.
  template <class Value>
  static void download(const Context& context, View<const Value, Accelerator> from, Value* to) {
    if (!from.empty())
      context.device->to_host(to, from.data, bytes_of<Value>(from.stride), bytes_of<Value>(from.cols), from.rows);
  }

  /// Values that are on their way to the host.
  template <class Value>
  class Later {
   public:
    Later() = default;
    /// The values of a view without gaps.
    Later(const Context& context, View<const Value, Accelerator> from)
        : arriving_(from.empty() ? nullptr : context.device->to_host_later(from.data, bytes_of<Value>(from.size()))) {}
    /// Where they are; the host waits until they are there.
    const Value* wait() const { return arriving_ ? static_cast<const Value*>(arriving_->wait()) : nullptr; }

   private:
    std::shared_ptr<typename Device::Arriving> arriving_;
  };
  /// A view's values, without gaps, for whoever may want them later.
  template <class Value>
  static Later<Value> download_later(const Context& context, View<const Value, Accelerator> from) {
    return {context, from};
  }

  // --- products -----------------------------------------------------------------------------------------------------

  /// y = x w^T, each row by itself in an order that depends on the width alone.
  template <class Value, class Real = Wide<Value>>
  static void row_products(const Context& context, View<const Value, Accelerator> x_RD, In<Real> w_ED, Out<Real> y_RE) {
    constexpr int width = 4, many = 4, experts = 8;
    const bool x_aligned = gpu::has_aligned_packets<width>(x_RD), w_aligned = gpu::has_aligned_packets<width>(w_ED);
    // A team takes a few rows at a time, so that weights are read once for all of them.
    for_each_row(context, (x_RD.rows + many - 1) / many, [=] MOE_ON_DEVICE(Index tile, Team team) {
      const Index first = tile * many;
      for (Index e_0 = 0; e_0 < w_ED.rows; e_0 += experts) {
        gpu::Numbers<gpu::Numbers<Real, experts>, many> sums = {};
        gpu::for_each_packet<width>(team, x_RD.cols, [&](Index at, auto taken) {
          constexpr int n = decltype(taken)::value;
          gpu::Numbers<gpu::Numbers<Real, n>, many> x;
          gpu::Numbers<Real, n> w;
          for (int r = 0; r < many; ++r)
            gpu::load<n>(&x_RD(gpu::smaller(first + r, x_RD.rows - 1), at), x_aligned, x[r]);
          for (int e = 0; e < experts; ++e) {
            gpu::load<n>(&w_ED(gpu::smaller(e_0 + e, w_ED.rows - 1), at), w_aligned, w);
            for (int r = 0; r < many; ++r)
              for (int i = 0; i < n; ++i) sums[r][e] += x[r][i] * w[i];
          }
        });
        for (int r = 0; r < many; ++r)
          for (int e = 0; e < experts; ++e) {
            const Real sum = team.sum(sums[r][e]);
            if (team.rank() == 0 && first + r < x_RD.rows && e_0 + e < w_ED.rows) y_RE(first + r, e_0 + e) = sum;
          }
      }
    });
  }
  /// The backward of row_products: d_x += d_y w.
  template <class Value, class Real = Wide<Value>>
  static void add_row_products_back(const Context& context, In<Real> d_y_RE, In<Real> w_ED, Out<Value> d_x_RD) {
    constexpr int width = 4, many = 4;
    const bool x_aligned = gpu::has_aligned_packets<width>(d_x_RD), w_aligned = gpu::has_aligned_packets<width>(w_ED);
    for_each_row(context, (d_x_RD.rows + many - 1) / many, [=] MOE_ON_DEVICE(Index tile, Team team) {
      const Index first = tile * many;
      gpu::for_each_packet<width>(team, d_x_RD.cols, [&](Index at, auto taken) {
        constexpr int n = decltype(taken)::value;
        gpu::Numbers<gpu::Numbers<Real, n>, many> sums = {};
        gpu::Numbers<Real, n> w;
        for (Index e = 0; e < w_ED.rows; ++e) {
          gpu::load<n>(&w_ED(e, at), w_aligned, w);
          for (int r = 0; r < many; ++r) {
            const Real d_y = d_y_RE(gpu::smaller(first + r, d_x_RD.rows - 1), e);
            for (int i = 0; i < n; ++i) sums[r][i] += d_y * w[i];
          }
        }
        for (int r = 0; r < many; ++r) {
          if (first + r >= d_x_RD.rows) continue;
          gpu::Numbers<Real, n> before;
          gpu::load<n>(&d_x_RD(first + r, at), x_aligned, before);
          for (int i = 0; i < n; ++i) sums[r][i] += before[i];
          gpu::store<n>(&d_x_RD(first + r, at), x_aligned, sums[r]);
        }
      });
    });
  }
  /// The backward of row_products: d_w += d_y^T x.
  template <class Value, class Real = Wide<Value>>
  static void add_row_weight_gradient(const Context& context, In<Real> d_y_RE, View<const Value, Accelerator> x_RD,
                                      Out<Real> d_w_ED) {
    constexpr int experts = 8, many = 4;
    const gpu::Pieces pieces(x_RD.rows);
    auto parts = Matrix<Real, Accelerator>::uninitialized(context, pieces.count, d_w_ED.size());
    for_each_cell(context, pieces.count, x_RD.cols, [=, parts_PN = parts.view()] MOE_ON_DEVICE(Index piece, Index d) {
      const Index begin = pieces.begin(piece), end = pieces.end(piece);
      for (Index e_0 = 0; e_0 < d_w_ED.rows; e_0 += experts) {
        const Index some = gpu::smaller(experts, d_w_ED.rows - e_0);
        Real sums[experts] = {};
        // A few rows are asked for before the first is used.
        for (Index r = begin; r < end; r += many) {
          Real x[many];
          for (int i = 0; i < many; ++i) x[i] = r + i < end ? widened(x_RD(r + i, d)) : Real(0);
          for (int i = 0; i < many; ++i) {
            const Index row = gpu::smaller(r + i, end - 1);
            for (int e = 0; e < experts; ++e)
              if (e < some) sums[e] += d_y_RE(row, e_0 + e) * x[i];
          }
        }
        for (int e = 0; e < experts; ++e)
          if (e < some) parts_PN(piece, (e_0 + e) * d_w_ED.cols + d) = sums[e];
      }
    });
    for_each_cell(context, d_w_ED.rows, d_w_ED.cols, [=, parts_PN = parts.view()] MOE_ON_DEVICE(Index e, Index d) {
      Real sum = 0;
      for (Index piece = 0; piece < parts_PN.rows; ++piece) sum += parts_PN(piece, e * d_w_ED.cols + d);
      d_w_ED(e, d) += sum;
    });
  }

  /// y = x w^T: rows [offsets[g], offsets[g+1]) of x times the g-th weight.
  template <class Value>
  static void grouped_product(const Context& context, In<Value> x_ND, Weights<Value> w_FD, const GroupOffsets& offsets,
                              Out<Value> y_NF) {
    multiply<Product::right_transposed, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return Operands<Value, Value>{x_ND.rows_between(begin, end), w_FD[g], y_NF.rows_between(begin, end), false};
    });
  }

  /// d_x += d_y w, group by group.
  template <class Value>
  static void add_grouped_product_back(const Context& context, In<Value> d_y_NF, Weights<Value> w_FD,
                                       ListView<Index> offsets, Out<Value> d_x_ND) {
    multiply<Product::plain, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return Operands<Value, Value>{d_y_NF.rows_between(begin, end), w_FD[g], d_x_ND.rows_between(begin, end), true};
    });
  }

  /// d_w += d_y^T x, group by group; an empty d_w is skipped.
  template <class Value, class Slope = Value>
  static void grouped_weight_gradient(const Context& context, View<const Value, Accelerator> d_y_NF,
                                      View<const Value, Accelerator> x_ND, ListView<Index> offsets,
                                      std::type_identity_t<ListView<View<Slope, Accelerator>>> d_w_FD) {
    multiply<Product::left_transposed, Value, Slope>(context, offsets, [&](Index g, Index begin, Index end) {
      return Operands<Value, Slope>{d_y_NF.rows_between(begin, end), x_ND.rows_between(begin, end), d_w_FD[g], true};
    });
  }

  // --- the three products of a SwiGLU -------------------------------------------------------------------------------

  /// a = x gate^T, b = x up^T, h = silu(a) b, group by group. a and b may be empty: not kept.
  template <class Value>
  static void grouped_swiglu(const Context& context, In<Value> x_ND, Weights<Value> gate_FD, Weights<Value> up_FD,
                             const GroupOffsets& offsets, Out<Value> a_NF, Out<Value> b_NF, Out<Value> h_NF) {
    const bool kept = !a_NF.empty();
    auto b_here = Matrix<Value, Accelerator>::uninitialized(context, kept ? 0 : h_NF.rows, h_NF.cols);
    const Out<Value> a = kept ? a_NF : h_NF, b = kept ? b_NF : b_here.view();
    SideBySide<Value, Value> products(context, 2 * offsets.groups());
    each_known_first(products, 2, offsets, [&](int which, Index g, Index begin, Index end) {
      const Out<Value> result = which == 0 ? a : b;
      products.template add<Product::right_transposed>(
          {x_ND.rows_between(begin, end), which == 0 ? gate_FD[g] : up_FD[g], result.rows_between(begin, end), false});
    });
    products.end();
    swiglu<Value>(context, a, b, h_NF);
  }

  /// d_h = gates_n d_y down, and from it d_a = d_h b sig(a) (1 + a (1 - sig(a))) and d_b = d_h silu(a), each in the
  /// memory of its input; gates_n h, with h = silu(a) b once more; d_gates_n = <d_y_n down, h_n>. Without gates they
  /// are 1 and d_gates is not written.
  template <class Value, class Real = Wide<Value>>
  static void grouped_swiglu_back(const Context& context, In<Value> d_y_ND, Weights<Value> down_DF,
                                  ListView<Index> offsets, In<Real> gates_1N, Out<Value> a_to_d_a_NF,
                                  Out<Value> b_to_d_b_NF, Out<Value> h_NF, Out<Real> d_gates_1N) {
    multiply<Product::plain, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return Operands<Value, Value>{d_y_ND.rows_between(begin, end), down_DF[g], h_NF.rows_between(begin, end), false};
    });
    swiglu_back<Value>(context, a_to_d_a_NF, b_to_d_b_NF, h_NF, gates_1N, d_gates_1N);
  }

  /// h = silu(a) b, value by value. h may be a.
  template <class Value>
  static void swiglu(const Context& context, In<Value> a_NF, In<Value> b_NF, Out<Value> h_NF) {
    using Real = Wide<Value>;
    constexpr int width = gpu::packet<Value>;
    const bool aligned = all_aligned<width>(a_NF, b_NF, h_NF);
    for_each_row(context, h_NF.rows, [=] MOE_ON_DEVICE(Index n, Team team) {
      gpu::for_each_packet<width>(team, h_NF.cols, [&](Index at, auto taken) {
        constexpr int count = decltype(taken)::value;
        gpu::Numbers<Real, count> a, b;
        gpu::load<count>(&a_NF(n, at), aligned, a);
        gpu::load<count>(&b_NF(n, at), aligned, b);
        for (int i = 0; i < count; ++i) a[i] = gpu::swiglu(a[i], b[i]);
        gpu::store<count>(&h_NF(n, at), aligned, a);
      });
    });
  }

  /// d_h, times the gate, becomes d_a, d_b and, where it was, gates_n h; d_gates_n as in grouped_swiglu_back.
  template <class Value, class Real = Wide<Value>>
  static void swiglu_back(const Context& context, Out<Value> a_to_d_a_NF, Out<Value> b_to_d_b_NF, Out<Value> h_NF,
                          In<Real> gates_1N = {}, Out<Real> d_gates_1N = {}) {
    constexpr int width = gpu::packet<Value>;
    const bool aligned = all_aligned<width>(a_to_d_a_NF, b_to_d_b_NF, h_NF), has_gates = !gates_1N.empty();
    for_each_row(context, h_NF.rows, [=] MOE_ON_DEVICE(Index n, Team team) {
      const Real gate = has_gates ? gates_1N(0, n) : Real(1);
      Real sum = 0;
      gpu::for_each_packet<width>(team, h_NF.cols, [&](Index at, auto taken) {
        constexpr int count = decltype(taken)::value;
        gpu::Numbers<Real, count> a, b, d_h;
        gpu::load<count>(&a_to_d_a_NF(n, at), aligned, a);
        gpu::load<count>(&b_to_d_b_NF(n, at), aligned, b);
        gpu::load<count>(&h_NF(n, at), aligned, d_h);
        for (int i = 0; i < count; ++i) sum += gpu::swiglu_back(gate, a[i], b[i], d_h[i]);
        gpu::store<count>(&a_to_d_a_NF(n, at), aligned, a);
        gpu::store<count>(&b_to_d_b_NF(n, at), aligned, b);
        gpu::store<count>(&h_NF(n, at), aligned, d_h);
      });
      sum = team.sum(sum);
      if (has_gates && team.rank() == 0) d_gates_1N(0, n) = sum;
    });
  }

  /// d_x = d_a gate + d_b up, group by group.
  template <class Value>
  static void grouped_swiglu_input_gradient(const Context& context, In<Value> d_a_NF, Weights<Value> gate_FD,
                                            In<Value> d_b_NF, Weights<Value> up_FD, ListView<Index> offsets,
                                            Out<Value> d_x_ND) {
    multiply<Product::plain, Value>(context, offsets, [&](Index g, Index begin, Index end) {
      return Operands<Value, Value>{d_a_NF.rows_between(begin, end), gate_FD[g], d_x_ND.rows_between(begin, end),
                                    false};
    });
    add_grouped_product_back<Value>(context, d_b_NF, up_FD, offsets, d_x_ND);
  }

  // --- sums ---------------------------------------------------------------------------------------------------------

  /// y += sum of x's rows: pieces of the rows in order, then the pieces in order.
  template <class Sum, class Value = Sum>
  static void add_column_sums(const Context& context, In<Value> x_RD, Out<Sum> y_1D) {
    using Real = Wide<Value>;
    const gpu::Pieces pieces(x_RD.rows);
    auto parts = Matrix<Real, Accelerator>::uninitialized(context, pieces.count, x_RD.cols);
    for_each_cell(context, pieces.count, x_RD.cols, [=, parts_PD = parts.view()] MOE_ON_DEVICE(Index piece, Index d) {
      Real sum = 0;
      for (Index r = pieces.begin(piece); r < pieces.end(piece); ++r) sum += widened(x_RD(r, d));
      parts_PD(piece, d) = sum;
    });
    for_each_element(context, x_RD.cols, [=, parts_PD = parts.view()] MOE_ON_DEVICE(Index d) {
      Real sum = widened(y_1D(0, d));
      for (Index piece = 0; piece < parts_PD.rows; ++piece) sum += parts_PD(piece, d);
      y_1D(0, d) = static_cast<Sum>(sum);
    });
  }

  /// Sum of squares in double: within rows, then over them. The host waits for it.
  template <class Value>
  static double sum_of_squares(const Context& context, View<const Value, Accelerator> x) {
    if (x.empty()) return 0;
    auto of_rows = Matrix<double, Accelerator>::uninitialized(context, 1, x.rows);
    for_each_row(context, x.rows, [=, of_rows_1R = of_rows.view()] MOE_ON_DEVICE(Index r, Team team) {
      double sum = 0;
      for (Index c = team.rank(); c < x.cols; c += team.size()) {
        const double value = static_cast<double>(static_cast<Wide<Value>>(x(r, c)));
        sum += value * value;
      }
      sum = team.sum(sum);
      if (team.rank() == 0) of_rows_1R(0, r) = sum;
    });
    auto total = Matrix<double, Accelerator>::uninitialized(context, 1, 1);
    for_each_row(context, 1, [of_rows_1R = of_rows.view(), total_11 = total.view()] MOE_ON_DEVICE(Index, Team team) {
      double sum = 0;
      for (Index r = team.rank(); r < of_rows_1R.cols; r += team.size()) sum += of_rows_1R(0, r);
      sum = team.sum(sum);
      if (team.rank() == 0) total_11(0, 0) = sum;
    });
    double result = 0;
    download(context, std::as_const(total).view(), &result);
    return result;
  }

  // --- the optimizer (train/adamw.hpp) ------------------------------------------------------------------------------

  /// One step of AdamW on `size` weights w, with moments m and v: as AdamWPace says.
  template <class Real>
  static void adamw(const Context& context, Index size, AdamWPace<Real> pace, const Real* gradient, Real* w, Real* m,
                    Real* v) {
    for_each_element(context, size, [=] MOE_ON_DEVICE(Index i) {
      gpu::AdamWValue<Real> value{w[i], m[i], v[i]};
      value.step(pace, gradient[i]);
      m[i] = value.m;
      v[i] = value.v;
      w[i] = value.w;
    });
  }
  /// The same with moments and weights kept as train/adamw_memory.hpp says; what is rounded is rounded by `key`.
  template <MasterWeights master, class Gradient, class Weight, class Moment>
  static void adamw(const Context& context, Index size, AdamWPace<float> pace, RandomKey key, const Gradient* gradient,
                    Weight* w, std::uint16_t* lower, Moment* m, Moment* v) {
    for_each_element(context, size,
                     gpu::NarrowAdamW<master, Gradient, Weight, Moment>{pace, key, gradient, w, lower, m, v});
  }
  /// w becomes the bfloat16 nearest to it; the lower half of what it was goes to `lower`, unless that is null.
  template <class Weight>
  static void narrow_weights(const Context& context, Index size, Weight* w, std::uint16_t* lower) {
    for_each_element(context, size, [=] MOE_ON_DEVICE(Index i) {
      const float whole = widened(w[i]);
      if (lower != nullptr) lower[i] = lower_half(whole);
      w[i] = Weight(widened(lower != nullptr ? upper_half(whole) : BFloat16(whole)));
    });
  }

  // --- rows in, rows out (experts/moe_ffn.hpp) ----------------------------------------------------------------------

  /// x_n = x_row(n) for every pair n of the plan.
  template <class Value>
  static void gather_rows(const Context& context, In<Value> x_TD, const Plan<Accelerator>& plan, Out<Value> x_ND) {
    constexpr int width = gpu::packet<Value>;
    const bool aligned = all_aligned<width>(x_TD, x_ND);
    for_each_row(context, plan.pairs(), [=, rows = plan.rows_1N.data()] MOE_ON_DEVICE(Index n, Team team) {
      const Index t = rows[n];
      gpu::for_each_packet<width>(team, x_TD.cols, [&](Index at, auto taken) {
        constexpr int count = decltype(taken)::value;
        gpu::Numbers<Wide<Value>, count> values;
        gpu::load<count>(&x_TD(t, at), aligned, values);
        gpu::store<count>(&x_ND(n, at), aligned, values);
      });
    });
  }

  /// y_t = sum of gates_n y_n over row t's pairs, by ascending expert; 0 for a row without.
  template <class Value, class Real = Wide<Value>>
  static void combine_rows(const Context& context, In<Value> y_ND, In<Real> gates_1N, const Plan<Accelerator>& plan,
                           Out<Value> y_TD) {
    add_pairs<Value>(context, y_ND, gates_1N.data, plan, y_TD);
  }
  /// x_t = sum of x_n over row t's pairs, by ascending expert.
  template <class Value>
  static void sum_rows(const Context& context, In<Value> x_ND, const Plan<Accelerator>& plan, Out<Value> x_TD) {
    add_pairs<Value>(context, x_ND, static_cast<const Wide<Value>*>(nullptr), plan, x_TD);
  }

  // --- segments (routing/pooling/) ---------------------------------------------------------------------------------

  /// mean[v] = sum of x's rows [begin_1V(0, v), begin_1V(0, v+1)) in order, divided by their number.
  template <class Value, class Real>
  static void segment_means(const Context& context, View<const Value, Accelerator> x_TD,
                            View<const Index, Accelerator> begin_1V, Out<Real> mean_VD) {
    for_each_cell(context, mean_VD.rows, mean_VD.cols, [=] MOE_ON_DEVICE(Index v, Index d) {
      const Index begin = begin_1V(0, v), end = begin_1V(0, v + 1);
      Real sum = 0;
      for (Index t = begin; t < end; ++t) sum += static_cast<Real>(x_TD(t, d));
      mean_VD(v, d) = sum / static_cast<Real>(end - begin);
    });
  }
  /// d_x[t] += d_mean[v] / len(v) for every row t of segment v.
  template <class Value, class Real = Wide<Value>>
  static void add_segment_means_back(const Context& context, In<Real> d_mean_VD,
                                     View<const Index, Accelerator> begin_1V, Out<Value> d_x_TD) {
    constexpr int many = 8;
    for_each_cell(context, d_mean_VD.rows, d_mean_VD.cols, [=] MOE_ON_DEVICE(Index v, Index d) {
      const Index begin = begin_1V(0, v), end = begin_1V(0, v + 1);
      const Real share = d_mean_VD(v, d) * (Real(1) / static_cast<Real>(end - begin));
      // A few rows are read before the first is written, as the compiler must not turn that round itself.
      for (Index t = begin; t < end; t += many) {
        Real d_x[many];
        for (int i = 0; i < many; ++i) d_x[i] = t + i < end ? widened(d_x_TD(t + i, d)) : Real(0);
        for (int i = 0; i < many; ++i)
          if (t + i < end) d_x_TD(t + i, d) = static_cast<Value>(d_x[i] + share);
      }
    });
  }
  /// max[v] = the largest value of each column of x's rows [begin_1V(0, v), begin_1V(0, v+1)); row[v] = the first row
  /// that has it.
  template <class Value, class Real>
  static void segment_maxima(const Context& context, View<const Value, Accelerator> x_TD,
                             View<const Index, Accelerator> begin_1V, Out<Real> max_VD,
                             View<Index, Accelerator> row_VD) {
    for_each_cell(context, max_VD.rows, max_VD.cols, [=] MOE_ON_DEVICE(Index v, Index d) {
      Index best = begin_1V(0, v);
      Real most = static_cast<Real>(x_TD(best, d));
      for (Index t = best + 1; t < begin_1V(0, v + 1); ++t) {
        const Real value = static_cast<Real>(x_TD(t, d));
        if (value > most) most = value, best = t;
      }
      max_VD(v, d) = most;
      row_VD(v, d) = best;
    });
  }

  // --- choosing and sorting -----------------------------------------------------------------------------------------

  /// Up to so many rows, top_rows compares every two of them; above, it sorts.
  static constexpr Index compared_rows = 2048;

  /// For each expert, ranks 1 to `take` for the rows with the highest scores, 0 for the others; ties go to the lower
  /// row, NaN comes last. boundary_1E as ExpertChoice says.
  template <class Real>
  static void top_rows(const Context& context, In<Real> scores_RE, Index take, View<Rank, Accelerator> chosen_RE,
                       Out<Real> boundary_1E) {
    const Index rows = scores_RE.rows, experts = scores_RE.cols;
    if (rows == 0 || take == 0) {
      for_each_cell(context, rows, experts, [=] MOE_ON_DEVICE(Index r, Index e) { chosen_RE(r, e) = 0; });
      for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) { boundary_1E(0, e) = take > 0 ? 0 : 1; });
      return;
    }
    // The scores on both sides of each expert's boundary, 0 where there is no other side.
    auto sides = Matrix<Real, Accelerator>::zeros(context, 2, experts);
    const gpu::NotePlace<Real, Accelerator> note{scores_RE, chosen_RE, sides.view(), take};
    if (rows <= compared_rows) {
      for_each_cell(context, experts, rows, [=] MOE_ON_DEVICE(Index e, Index r) {
        const auto own = descending_bits(scores_RE(r, e));
        Index place = 0;
        for (Index other = 0; other < rows; ++other) {
          const auto bits = descending_bits(scores_RE(other, e));
          place += bits < own || (bits == own && other < r);
        }
        note(r, e, place);
      });
    } else {
      using Bits = decltype(descending_bits(Real()));
      auto bits = Matrix<Bits, Accelerator>::uninitialized(context, 1, rows * experts);
      auto places = Matrix<Index, Accelerator>::uninitialized(context, 1, rows * experts);
      for_each_cell(context, experts, rows,
                    [=, bits = bits.data(), places = places.data()] MOE_ON_DEVICE(Index e, Index r) {
                      bits[e * rows + r] = descending_bits(scores_RE(r, e));
                      places[e * rows + r] = e * rows + r;
                    });
      sort_stably(context, bits, places);
      // Stable once more, by expert: within each the order by score stays.
      auto of_expert = Matrix<std::uint32_t, Accelerator>::uninitialized(context, 1, rows * experts);
      for_each_element(context, rows * experts,
                       [=, of_expert = of_expert.data(), places = places.data()] MOE_ON_DEVICE(Index i) {
                         of_expert[i] = static_cast<std::uint32_t>(places[i] / rows);
                       });
      sort_stably(context, of_expert, places);
      for_each_cell(context, experts, rows, [=, places = places.data()] MOE_ON_DEVICE(Index e, Index place) {
        note(places[e * rows + place] - e * rows, e, place);
      });
    }
    for_each_element(context, experts, [=, sides_2E = sides.view()] MOE_ON_DEVICE(Index e) {
      boundary_1E(0, e) = (sides_2E(0, e) + sides_2E(1, e)) / 2;
    });
  }

  /// For each expert, sets to 0 what is over `take`: lower ranks stay before higher ones, then lower rows. dropped_1E
  /// counts what went.
  static void drop_over(const Context& context, Index take, View<Rank, Accelerator> chosen_RE,
                        View<Index, Accelerator> dropped_1E) {
    const Index rows = chosen_RE.rows, experts = chosen_RE.cols;
    for_each_element(context, experts, [=] MOE_ON_DEVICE(Index e) { dropped_1E(0, e) = 0; });
    if (rows == 0) return;
    // Sorted by expert, then by rank with nobody's choices last, then by row.
    constexpr std::uint32_t nobody = ~std::uint32_t{0};
    auto keys = Matrix<std::uint64_t, Accelerator>::uninitialized(context, 1, rows * experts);
    auto places = Matrix<Index, Accelerator>::uninitialized(context, 1, rows * experts);
    for_each_cell(context, experts, rows,
                  [=, keys = keys.data(), places = places.data()] MOE_ON_DEVICE(Index e, Index r) {
                    const Rank rank = chosen_RE(r, e);
                    const std::uint32_t order = rank == 0 ? nobody : static_cast<std::uint32_t>(rank);
                    keys[e * rows + r] = static_cast<std::uint64_t>(e) << 32 | order;
                    places[e * rows + r] = r;
                  });
    sort_stably(context, keys, places);
    for_each_cell(context, experts, rows,
                  [=, keys = keys.data(), places = places.data()] MOE_ON_DEVICE(Index e, Index place) {
                    const auto is_choice = [&](Index p) {
                      return p < rows && static_cast<std::uint32_t>(keys[e * rows + p]) != nobody;
                    };
                    if (place < take || !is_choice(place)) return;
                    chosen_RE(places[e * rows + place], e) = 0;
                    if (!is_choice(place + 1)) dropped_1E(0, e) = place + 1 - take;
                  });
  }

  /// Pairs that are counted and numbered, and how many each expert has, on its way to the host.
  struct Grouping {
    /// The pair that (t, e) is, if it is one: how many pairs come before it, expert by expert.
    Matrix<Index, Accelerator> place_ET;
    /// As in Plan.
    Matrix<Index, Accelerator> pair_begin_1T;
    /// As in Plan.
    Later<Index> counted;
    /// Those offsets that are known before.
    std::vector<Index> foreseen;
  };
  /// The first step of group_by_expert.
  static Grouping begin_grouping(const Context& context, View<const Rank, Accelerator> chosen_TE,
                                 const Foreseen& foreseen = {}) {
    using Indices = Matrix<Index, Accelerator>;
    const Index rows = chosen_TE.rows, experts = chosen_TE.cols;
    Grouping grouping{Indices::uninitialized(context, 1, rows * experts + 1),
                      Indices::uninitialized(context, 1, rows + 1),
                      {},
                      foreseen.offsets(experts)};
    for_each_cell(context, experts, rows, [=, place = grouping.place_ET.data()] MOE_ON_DEVICE(Index e, Index t) {
      place[e * rows + t] = chosen_TE(t, e) != 0;
      if (e + 1 == experts && t + 1 == rows) place[experts * rows] = 0;
    });
    scan(context, grouping.place_ET);
    auto offsets = Indices::uninitialized(context, 1, experts + 1);
    for_each_element(context, experts + 1,
                     [=, offsets = offsets.data(), place = grouping.place_ET.data()] MOE_ON_DEVICE(Index e) {
                       offsets[e] = rows == 0 ? 0 : place[e * rows];
                     });
    grouping.counted = download_later(context, std::as_const(offsets).view());
    for_each(context, rows + 1, [=, begin = grouping.pair_begin_1T.data()] MOE_ON_DEVICE(Index t) {
      Index pairs = 0;
      for (Index e = 0; e < experts && t < rows; ++e) pairs += chosen_TE(t, e) != 0;
      begin[t] = pairs;
    });
    scan(context, grouping.pair_begin_1T);
    return grouping;
  }
  /// The second step. Where the number of pairs was foreseen nobody waits, and the plan is not complete yet; otherwise
  /// the host waits for the loads, which what was enqueued since the first step hides.
  static Plan<Accelerator> finish_grouping(const Context& context, View<const Rank, Accelerator> chosen_TE,
                                           Grouping grouping) {
    using Indices = Matrix<Index, Accelerator>;
    const Index rows = chosen_TE.rows, experts = chosen_TE.cols;
    Plan<Accelerator> plan;
    plan.offsets = std::move(grouping.foreseen);
    plan.counted = std::move(grouping.counted);
    plan.is_complete = false;
    if (plan.offsets.back() == GroupOffsets::unknown) plan.complete();
    plan.pair_begin_1T = std::move(grouping.pair_begin_1T);
    plan.rows_1N = Indices::uninitialized(context, 1, plan.pairs());
    plan.experts_1N = Indices::uninitialized(context, 1, plan.pairs());
    plan.pairs_1N = Indices::uninitialized(context, 1, plan.pairs());
    for_each(context, rows,
             [=, pairs = plan.pairs(), place = grouping.place_ET.data(), begin = plan.pair_begin_1T.data(),
              rows_1N = plan.rows_1N.data(), experts_1N = plan.experts_1N.data(),
              pairs_1N = plan.pairs_1N.data()] MOE_ON_DEVICE(Index t) {
               Index next = begin[t];
               for (Index e = 0; e < experts; ++e) {
                 if (chosen_TE(t, e) == 0) continue;
                 const Index n = place[e * rows + t];
                 // A router that chooses more than it foretold is found out when the counts arrive.
                 if (n >= pairs || next >= pairs) return;
                 rows_1N[n] = t;
                 experts_1N[n] = e;
                 pairs_1N[next++] = n;
               }
             });
    return plan;
  }
  /// The pairs (row, expert) with a rank above 0, sorted by expert, then by row. The host waits for their number.
  static Plan<Accelerator> group_by_expert(const Context& context, View<const Rank, Accelerator> chosen_TE) {
    auto plan = finish_grouping(context, chosen_TE, begin_grouping(context, chosen_TE));
    plan.complete();
    return plan;
  }

  // --- what the verbs are made of -----------------------------------------------------------------------------------
  // Public, because the CUDA compiler takes lambdas for the device in public functions alone.

  /// y_t = sum of gates_n y_n over row t's pairs; without gates of y_n.
  template <class Value, class Real = Wide<Value>>
  static void add_pairs(const Context& context, In<Value> y_ND, const Real* gates, const Plan<Accelerator>& plan,
                        Out<Value> y_TD) {
    constexpr int width = gpu::packet<Value>;
    const bool aligned = all_aligned<width>(y_ND, y_TD);
    for_each_row(
        context, y_TD.rows,
        [=, begin = plan.pair_begin_1T.data(), pairs = plan.pairs_1N.data()] MOE_ON_DEVICE(Index t, Team team) {
          const Index first = begin[t], last = begin[t + 1];
          gpu::for_each_packet<width>(team, y_TD.cols, [&](Index at, auto taken) {
            constexpr int count = decltype(taken)::value;
            gpu::Numbers<Real, count> sums = {}, y;
            for (Index i = first; i < last; ++i) {
              const Index n = pairs[i];
              const Real gate = gates != nullptr ? gates[n] : Real(1);
              gpu::load<count>(&y_ND(n, at), aligned, y);
              for (int c = 0; c < count; ++c) sums[c] += gate * y[c];
            }
            gpu::store<count>(&y_TD(t, at), aligned, sums);
          });
        });
  }

 private:
  /// What one product reads and writes.
  template <class In_, class Out_>
  struct Operands {
    View<const In_, Accelerator> a, b;
    View<Out_, Accelerator> c;
    bool adds;
  };

  template <class Value>
  static std::size_t bytes_of(Index count) {
    return static_cast<std::size_t>(count) * sizeof(Value);
  }
  template <int width, class... Views>
  static bool all_aligned(Views... views) {
    return (gpu::has_aligned_packets<width>(views) && ...);
  }

  template <class Key>
  static void sort_stably(const Context& context, Matrix<Key, Accelerator>& keys, Matrix<Index, Accelerator>& values) {
    thrust::stable_sort_by_key(context.device->policy(), keys.data(), keys.data() + keys.size(), values.data());
  }
  /// Each value becomes the sum of those before it.
  static void scan(const Context& context, Matrix<Index, Accelerator>& values) {
    thrust::exclusive_scan(context.device->policy(), values.data(), values.data() + values.size(), values.data());
  }

  /// Products that need not wait for each other. Those of one shape that are asked for in a row are one batch.
  template <class In_, class Out_>
  class SideBySide {
   public:
    /// Room for about `count` of them.
    SideBySide(const Context& context, Index count) : device_(*context.device), lanes_(device_.begin_tasks(count)) {}
    SideBySide(const SideBySide&) = delete;
    SideBySide& operator=(const SideBySide&) = delete;
    /// However it ends, what is freed or enqueued next must come after the products that have begun.
    ~SideBySide() {
      if (!ended_) device_.abandon_tasks();
    }
    /// One product; one without result, or of nothing that adds, is none.
    template <Product product>
    void add(const Operands<In_, Out_>& operands) {
      if (operands.c.empty() || (operands.adds && (operands.a.empty() || operands.b.empty()))) return;
      const auto task = gpu::gemm_of<product>(operands.a, operands.b, operands.c, operands.adds);
      if (!alike_.empty() && !alike_.front().has_shape_of(task)) flush();
      alike_.push_back(task);
    }
    /// What was asked for so far begins.
    void flush() {
      if (alike_.size() == 1) device_.gemm(next_++ % lanes_, alike_.front());
      if (alike_.size() > 1) device_.gemm_batch(ListView<gpu::Gemm<In_, Out_>>(alike_));
      alike_.clear();
    }
    /// What is enqueued from now on comes after them.
    void end() {
      flush();
      ended_ = true;
      device_.end_tasks();
    }

   private:
    Device& device_;
    int lanes_, next_ = 0;
    bool ended_ = false;
    std::vector<gpu::Gemm<In_, Out_>> alike_;
  };

  /// f(round, g, begin, end) for `rounds` rounds over every group that has rows: those first whose bounds the host
  /// knows, whose products begin, then the others.
  template <class Products, class F>
  static void each_known_first(Products& products, int rounds, const GroupOffsets& offsets, const F& f) {
    std::vector<bool> known;
    for (Index g = 0; g < offsets.groups(); ++g) known.push_back(offsets.knows(g));
    const auto each = [&](bool wanted) {
      for (int round = 0; round < rounds; ++round)
        for (Index g = 0; g < offsets.groups(); ++g)
          if (known[static_cast<std::size_t>(g)] == wanted && offsets[g] < offsets[g + 1])
            f(round, g, offsets[g], offsets[g + 1]);
      products.flush();
    };
    each(true);
    // The conversion waits.
    static_cast<void>(static_cast<ListView<Index>>(offsets));
    each(false);
  }
  /// One product for every group that has rows.
  template <Product product, class In_, class Out_ = In_, class OperandsOf>
  static void multiply(const Context& context, const GroupOffsets& offsets, const OperandsOf& operands_of) {
    SideBySide<In_, Out_> products(context, offsets.groups());
    each_known_first(products, 1, offsets, [&](int, Index g, Index begin, Index end) {
      products.template add<product>(operands_of(g, begin, end));
    });
    products.end();
  }
};

}  // namespace moe
