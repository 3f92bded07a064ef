#pragma once

#include <algorithm>
#include <concepts>
#include <cstdint>
#include <memory>
#include <numeric>
#include <type_traits>

#include "moe/backend/cpu/adamw.hpp"
#include "moe/backend/cpu/lanes.hpp"
#include "moe/backend/cpu/packed_weights.hpp"
#include "moe/backend/cpu/parallel.hpp"
#include "moe/backend/cpu/pool.hpp"
#include "moe/backend/cpu/product.hpp"
#include "moe/backend/cpu/swiglu.hpp"
#include "moe/backend/cpu/tile_gemm.hpp"
#include "moe/backend/cpu/workers.hpp"
#include "moe/core/adamw_pace.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/master_weights.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/random.hpp"
#include "moe/core/score_order.hpp"
#include "moe/core/team.hpp"

namespace moe {

/// Host memory, threads of the context's own, products by Gemm. Work is cut into tiles whose borders depend on shapes
/// alone and each number is computed by one thread in one order, so results have the same bits for every number of
/// threads.
template <class Gemm = TileGemm>
struct Cpu {
  /// Its memory can be read in place.
  static constexpr bool is_host = true;

  /// Memory of a matrix.
  template <class Value>
  using Buffer = cpu::Buffer<Value>;
  /// Host memory for one call's short lists.
  template <class Value>
  using HostBuffer = cpu::Buffer<Value>;

  /// A row is one thread's.
  using Team = TeamOfOne;

  /// Weights packed for the products that read them.
  using PackedWeights = cpu::PackedWeights;

  /// What a run needs and a layer must not own. Make one, keep it for the whole run. Threads that run layers at the
  /// same time may share one, or a copy of one, as they may share a layer that nobody changes: the pool locks, and of
  /// the callers only the first gets the helpers while the others work alone. A context of its own for each is faster.
  struct Context {
    /// At most so many threads work, the caller's included. Decides no bit of a result.
    int threads = cpu::available_threads();
    /// The layer's number in the model, which a model sets for each of its layers: observations carry it, and layers
    /// with different numbers draw different random numbers.
    std::uint32_t layer = 0;
    /// Told every decision; may be empty.
    Observer observer{};
    /// Told which part of a layer begins; may be empty.
    PhaseListener phases{};
    /// Where results and temporaries come from.
    std::shared_ptr<cpu::Pool> pool = std::make_shared<cpu::Pool>();
    /// Weights that pack_weights (train/pack_weights.hpp) packed; may be null.
    std::shared_ptr<const PackedWeights> packed{};
    /// The helpers, started when a call first needs them.
    std::shared_ptr<cpu::Workers> workers = std::make_shared<cpu::Workers>();
  };

  /// An input of a verb: its value type follows from the output's.
  template <class Value>
  using In = std::type_identity_t<View<const Value, Cpu>>;
  /// An output of a verb.
  template <class Value>
  using Out = View<Value, Cpu>;
  /// One weight matrix for each group.
  template <class Value>
  using Weights = std::type_identity_t<ListView<View<const Value, Cpu>>>;

  // --- anything, row by row or element by element -------------------------------------------------------------------

  /// f(i) for i in [0, count), in tiles of 32; what f(i) writes nobody else does.
  template <class F>
  static void for_each(const Context& context, Index count, const F& f) {
    cpu::parallel_tiles(context, count, 32, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) f(i);
    });
  }
  /// As for_each, in larger tiles: f costs no more than a few operations.
  template <class F>
  static void for_each_element(const Context& context, Index count, const F& f) {
    cpu::parallel_tiles(context, count, 8192, [&](Index begin, Index end) {
      for (Index i = begin; i < end; ++i) f(i);
    });
  }

  /// f(row, col) for every row below `rows` and every column below `cols`.
  template <class F>
  static void for_each_cell(const Context& context, Index rows, Index cols, const F& f) {
    for_each(context, rows, [&](Index r) {
      for (Index c = 0; c < cols; ++c) f(r, c);
    });
  }
  /// f(row, team) for every row below `rows`: the work on one row, shared by a team.
  template <class F>
  static void for_each_row(const Context& context, Index rows, const F& f) {
    for_each(context, rows, [&](Index r) { f(r, Team{}); });
  }
  /// f(i) for i in [0, count), each alone: f costs much.
  template <class F>
  static void for_each_on_host(const Context& context, Index count, const F& f) {
    cpu::parallel(context, count, f);
  }

  /// Row-major host values, without gaps, to a view of the same shape.
  template <class Value>
  static void upload(const Context&, const Value* from, Out<Value> to) {
    for (Index r = 0; r < to.rows; ++r) std::copy_n(from + r * to.cols, to.cols, to.row(r).data);
  }
  /// A view's values to host memory, row-major without gaps.
  template <class Value>
  static void download(const Context&, View<const Value, Cpu> from, Value* to) {
    for (Index r = 0; r < from.rows; ++r) std::copy_n(from.row(r).data, from.cols, to + r * from.cols);
  }

  /// Values that are on their way to the host: on the CPU they are there.
  template <class Value>
  class Later {
   public:
    Later() = default;
    /// A copy of the view's values, row-major without gaps.
    Later(const Context& context, View<const Value, Cpu> from) : values_(context, from.size()) {
      download(context, from, values_.data());
    }
    /// Where they are, when they are.
    const Value* wait() const { return values_.data(); }

   private:
    HostBuffer<Value> values_;
  };
  /// A view's values, for whoever may want them later.
  template <class Value>
  static Later<Value> download_later(const Context& context, View<const Value, Cpu> from) {
    return {context, from};
  }

  // --- products -----------------------------------------------------------------------------------------------------

  /// y = x w^T, each row by itself in sixteen lanes whose order depends on the width alone.
  template <class Real>
  static void row_products(const Context& context, View<const Real, Cpu> x_RD, In<Real> w_ED, Out<Real> y_RE) {
    for_each(context, x_RD.rows, [&](Index r) {
      for (Index e = 0; e < w_ED.rows; ++e) y_RE(r, e) = cpu::dot(x_RD.row(r).data, w_ED.row(e).data, x_RD.cols);
    });
  }

  /// The backward of row_products: d_x += d_y w.
  template <class Real>
  static void add_row_products_back(const Context& context, In<Real> d_y_RE, In<Real> w_ED, Out<Real> d_x_RD) {
    add_grouped_product_back<Real>(context, d_y_RE, {w_ED}, {0, d_x_RD.rows}, d_x_RD);
  }
  /// The backward of row_products: d_w += d_y^T x.
  template <class Real>
  static void add_row_weight_gradient(const Context& context, In<Real> d_y_RE, View<const Real, Cpu> x_RD,
                                      Out<Real> d_w_ED) {
    grouped_weight_gradient<Real, Real>(context, d_y_RE, x_RD, {0, x_RD.rows}, {d_w_ED});
  }

  /// y = x w^T: rows [offsets[g], offsets[g+1]) of x times the g-th weight.
  template <class Real>
  static void grouped_product(const Context& context, In<Real> x_ND, Weights<Real> w_FD, ListView<Index> offsets,
                              Out<Real> y_NF) {
    using X = Left<Product::right_transposed, Real>;
    X x(context, x_ND, offsets);
    const Rights<Real> w(context, w_FD, offsets);
    for_each_tile<X>(context, offsets, y_NF,
                     [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
                       x.multiply(worker, g, row, rows_end, w[g], col, cols_end,
                                  tile(y_NF, row, rows_end, col, cols_end), cpu::Into::fresh);
                     });
  }

  /// d_x += d_y w, group by group.
  template <class Real>
  static void add_grouped_product_back(const Context& context, In<Real> d_y_NF, Weights<Real> w_FD,
                                       ListView<Index> offsets, Out<Real> d_x_ND) {
    using Y = Left<Product::plain, Real>;
    Y d_y(context, d_y_NF, offsets);
    for_each_tile<Y>(context, offsets, d_x_ND,
                     [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
                       d_y.multiply(worker, g, row, rows_end, {w_FD[g]}, col, cols_end,
                                    tile(d_x_ND, row, rows_end, col, cols_end), cpu::Into::sum);
                     });
  }

  /// d_w += d_y^T x, group by group; an empty d_w is skipped.
  template <class Real, std::same_as<Real> Slope = Real>
  static void grouped_weight_gradient(const Context& context, View<const Real, Cpu> d_y_NF, View<const Real, Cpu> x_ND,
                                      ListView<Index> offsets, std::type_identity_t<ListView<View<Real, Cpu>>> d_w_FD) {
    if (std::all_of(d_w_FD.begin(), d_w_FD.end(), [](const auto& d_w) { return d_w.empty(); })) return;
    using Y = Left<Product::left_transposed, Real>;
    Y d_y(context, d_y_NF, offsets);
    // Every weight's rows are the columns of d_y.
    HostBuffer<Index> rows(context, d_w_FD.size + 1);
    for (Index g = 0; g <= d_w_FD.size; ++g) rows.data()[g] = g * d_y_NF.cols;
    cpu::for_each_tile(context, {rows.data(), d_w_FD.size + 1}, Y::rows_step, x_ND.cols, &Y::cols_step,
                       [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
                         const Index begin = offsets[g], end = offsets[g + 1], first = g * d_y_NF.cols;
                         if (d_w_FD[g].empty() || begin == end) return;
                         d_y.multiply(worker, g, row - first, rows_end - first, {x_ND.rows_between(begin, end)}, col,
                                      cols_end, tile(d_w_FD[g], row - first, rows_end - first, col, cols_end),
                                      cpu::Into::sum);
                       });
  }

  // --- the three products of a SwiGLU -------------------------------------------------------------------------------

  /// a = x gate^T, b = x up^T, h = silu(a) b, group by group, in one pass over x. a and b may be empty: not kept.
  template <class Real>
  static void grouped_swiglu(const Context& context, In<Real> x_ND, Weights<Real> gate_FD, Weights<Real> up_FD,
                             ListView<Index> offsets, Out<Real> a_NF, Out<Real> b_NF, Out<Real> h_NF) {
    using X = Left<Product::right_transposed, Real>;
    X x(context, x_ND, offsets);
    const Rights<Real> gate(context, gate_FD, offsets), up(context, up_FD, offsets);
    const bool kept = !a_NF.empty();
    cpu::Scratch<Real> factors(context, kept ? 0 : X::largest_tile);
    for_each_tile<X>(
        context, offsets, h_NF, [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
          const auto h = tile(h_NF, row, rows_end, col, cols_end);
          const auto a = kept ? tile(a_NF, row, rows_end, col, cols_end) : h;
          const auto b =
              kept ? tile(b_NF, row, rows_end, col, cols_end) : Out<Real>(factors.of(worker), h.rows, h.cols);
          x.multiply(worker, g, row, rows_end, gate[g], col, cols_end, a, cpu::Into::fresh);
          x.multiply(worker, g, row, rows_end, up[g], col, cols_end, b, cpu::Into::fresh);
          for (Index r = 0; r < h.rows; ++r) cpu::swiglu(h.cols, a.row(r).data, b.row(r).data, h.row(r).data);
        });
  }

  /// d_h = gates_n d_y down, and from it d_a = d_h b sig(a) (1 + a (1 - sig(a))) and d_b = d_h silu(a), each in the
  /// memory of its input; gates_n h, with h = silu(a) b once more; d_gates_n = <d_y_n down, h_n>. Without gates they
  /// are 1 and d_gates is not written.
  template <class Real>
  static void grouped_swiglu_back(const Context& context, In<Real> d_y_ND, Weights<Real> down_DF,
                                  ListView<Index> offsets, In<Real> gates_1N, Out<Real> a_to_d_a_NF,
                                  Out<Real> b_to_d_b_NF, Out<Real> h_NF, Out<Real> d_gates_1N) {
    using Y = Left<Product::plain, Real>;
    Y d_y(context, d_y_ND, offsets);
    // A row's part of every tile, at a place of the tile's own; tiles are whole panels wide.
    const Index panel = cpu::panel_cols<Real>, places = gates_1N.empty() ? 0 : (h_NF.cols + panel - 1) / panel;
    HostBuffer<Real> parts(context, h_NF.rows * places);
    if (places != 0)
      for_each(context, h_NF.rows, [&](Index n) { std::fill_n(parts.data() + n * places, places, Real(0)); });
    for_each_tile<Y>(context, offsets, h_NF,
                     [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
                       const auto a = tile(a_to_d_a_NF, row, rows_end, col, cols_end),
                                  b = tile(b_to_d_b_NF, row, rows_end, col, cols_end);
                       const auto h = tile(h_NF, row, rows_end, col, cols_end);
                       d_y.multiply(worker, g, row, rows_end, {down_DF[g]}, col, cols_end, h, cpu::Into::fresh);
                       for (Index r = 0; r < h.rows; ++r) {
                         const Real gate = places == 0 ? Real(1) : gates_1N(0, row + r);
                         const Real part = cpu::swiglu_back(h.cols, gate, a.row(r).data, b.row(r).data, h.row(r).data);
                         if (places != 0) parts.data()[(row + r) * places + col / panel] = part;
                       }
                     });
    if (places != 0)
      for_each(context, h_NF.rows, [&](Index n) {
        d_gates_1N(0, n) = std::accumulate(parts.data() + n * places, parts.data() + (n + 1) * places, Real(0));
      });
  }

  /// h = silu(a) b, value by value, where a and b are sums of products. h may be a.
  template <class Real>
  static void swiglu(const Context& context, In<Real> a_NF, In<Real> b_NF, Out<Real> h_NF) {
    for_each(context, h_NF.rows,
             [&](Index n) { cpu::swiglu(h_NF.cols, a_NF.row(n).data, b_NF.row(n).data, h_NF.row(n).data); });
  }
  /// The backward of swiglu: a becomes d_a = d_h b sig(a) (1 + a (1 - sig(a))), b becomes d_b = d_h silu(a), and d_h
  /// becomes h once more.
  template <class Real>
  static void swiglu_back(const Context& context, Out<Real> a_to_d_a_NF, Out<Real> b_to_d_b_NF, Out<Real> d_h_to_h_NF) {
    for_each(context, d_h_to_h_NF.rows, [&](Index n) {
      cpu::swiglu_back(d_h_to_h_NF.cols, Real(1), a_to_d_a_NF.row(n).data, b_to_d_b_NF.row(n).data,
                       d_h_to_h_NF.row(n).data);
    });
  }

  /// d_x = d_a gate + d_b up, group by group.
  template <class Real>
  static void grouped_swiglu_input_gradient(const Context& context, In<Real> d_a_NF, Weights<Real> gate_FD,
                                            In<Real> d_b_NF, Weights<Real> up_FD, ListView<Index> offsets,
                                            Out<Real> d_x_ND) {
    using Y = Left<Product::plain, Real>;
    Y d_a(context, d_a_NF, offsets), d_b(context, d_b_NF, offsets);
    for_each_tile<Y>(context, offsets, d_x_ND,
                     [&](Index g, Index row, Index rows_end, Index col, Index cols_end, Index worker) {
                       const auto d_x = tile(d_x_ND, row, rows_end, col, cols_end);
                       d_a.multiply(worker, g, row, rows_end, {gate_FD[g]}, col, cols_end, d_x, cpu::Into::fresh);
                       d_b.multiply(worker, g, row, rows_end, {up_FD[g]}, col, cols_end, d_x, cpu::Into::sum);
                     });
  }

  // --- sums ---------------------------------------------------------------------------------------------------------

  /// y += sum of x's rows, in order.
  template <class Real, std::same_as<Real> Value = Real>
  static void add_column_sums(const Context& context, In<Real> x_RD, Out<Real> y_1D) {
    cpu::parallel_tiles(context, x_RD.cols, 64, [&](Index begin, Index end) {
      for (Index r = 0; r < x_RD.rows; ++r)
        for (Index d = begin; d < end; ++d) y_1D(0, d) += x_RD(r, d);
    });
  }

  /// Sum of squares in double: sixteen lanes within a row, rows in order.
  template <class Real>
  static double sum_of_squares(const Context& context, View<const Real, Cpu> x) {
    HostBuffer<double> buffer(context, x.rows);
    double* sums = buffer.data();
    for_each(context, x.rows, [&](Index r) { sums[r] = cpu::sum_of_squares(x.row(r).data, x.cols); });
    return std::accumulate(sums, sums + x.rows, 0.0);
  }

  // --- the optimizer (train/adamw.hpp) ------------------------------------------------------------------------------

  /// One step of AdamW on `size` weights w, with moments m and v: as AdamWPace says.
  template <class Real>
  static void adamw(const Context& context, Index size, AdamWPace<Real> pace, const Real* gradient, Real* w, Real* m,
                    Real* v) {
    cpu::parallel_tiles(context, size, 8192, [&](Index begin, Index end) {
      cpu::for_each_vector<Real>(end - begin, [&](Index i, Index count) {
        const Index at = begin + i;
        const cpu::AdamWLanes<Real> next =
            cpu::stepped<Real>(pace, cpu::load(gradient + at, count),
                               {cpu::load(w + at, count), cpu::load(m + at, count), cpu::load(v + at, count)});
        cpu::store(m + at, next.m, count);
        cpu::store(v + at, next.v, count);
        cpu::store(w + at, next.w, count);
      });
    });
  }
  /// The same with moments and weights kept as train/adamw_memory.hpp says; what is rounded is rounded by `key`.
  template <MasterWeights master, class Moment>
  static void adamw(const Context& context, Index size, AdamWPace<float> pace, RandomKey key, const float* gradient,
                    float* w, std::uint16_t* lower, Moment* m, Moment* v) {
    constexpr bool same_moments = std::is_same_v<Moment, float>;
    if constexpr (same_moments && master == MasterWeights::float32) {
      adamw(context, size, pace, gradient, w, m, v);
    } else {
      cpu::parallel_tiles(context, size, 8192, [&](Index begin, Index end) {
        cpu::for_each_vector<float>(end - begin, [&](Index i, Index count) {
          const Index at = begin + i;
          const cpu::AdamWLanes<float> next =
              cpu::stepped<float>(pace, cpu::load(gradient + at, count),
                                  {cpu::load_master<master>(w, lower, at, count), cpu::load_moment(m + at, count),
                                   cpu::load_moment(v + at, count)});
          const cpu::RoundingLanes random(key, at);
          cpu::store_moment(m + at, next.m, random.moments, count);
          cpu::store_moment(v + at, next.v, random.moments >> 16, count);
          cpu::store_master<master>(w, lower, at, next.w, random.weights, count);
        });
      });
    }
  }
  /// w becomes the bfloat16 nearest to it; the lower half of what it was goes to `lower`, unless that is null.
  static void narrow_weights(const Context& context, Index size, float* w, std::uint16_t* lower) {
    for_each_element(context, size, [=](Index i) {
      if (lower != nullptr) lower[i] = lower_half(w[i]);
      w[i] = static_cast<float>(lower != nullptr ? upper_half(w[i]) : BFloat16(w[i]));
    });
  }

  // --- rows in, rows out (experts/moe_ffn.hpp) ----------------------------------------------------------------------

  /// x_n = x_row(n) for every pair n of the plan.
  template <class Real>
  static void gather_rows(const Context& context, In<Real> x_TD, const Plan<Cpu>& plan, Out<Real> x_ND) {
    for_each(context, plan.pairs(), [&, rows = plan.rows_1N.data()](Index n) {
      std::copy_n(x_TD.row(rows[n]).data, x_TD.cols, x_ND.row(n).data);
    });
  }

  /// y_t = sum of gates_n y_n over row t's pairs, by ascending expert; 0 for a row without.
  template <class Real>
  static void combine_rows(const Context& context, In<Real> y_ND, In<Real> gates_1N, const Plan<Cpu>& plan,
                           Out<Real> y_TD) {
    add_pairs(context, y_ND, plan, y_TD, [gates = gates_1N.data](Index n) { return gates[n]; });
  }
  /// x_t = sum of x_n over row t's pairs, by ascending expert.
  template <class Real>
  static void sum_rows(const Context& context, In<Real> x_ND, const Plan<Cpu>& plan, Out<Real> x_TD) {
    add_pairs(context, x_ND, plan, x_TD, [](Index) { return Real(1); });
  }

  // --- segments (routing/pooling/) ---------------------------------------------------------------------------------

  /// mean[v] = sum of x's rows [begin_1V(0, v), begin_1V(0, v+1)) in order, divided by their number.
  template <class Real>
  static void segment_means(const Context& context, In<Real> x_TD, View<const Index, Cpu> begin_1V, Out<Real> mean_VD) {
    for_each(context, mean_VD.rows, [&](Index v) {
      const auto mean = mean_VD.row(v);
      std::fill(mean.begin(), mean.end(), Real(0));
      for (Index t = begin_1V(0, v); t < begin_1V(0, v + 1); ++t)
        for (Index d = 0; d < mean.size; ++d) mean[d] += x_TD(t, d);
      for (Real& m : mean) m /= static_cast<Real>(begin_1V(0, v + 1) - begin_1V(0, v));
    });
  }
  /// d_x[t] += d_mean[v] / len(v) for every row t of segment v.
  template <class Real>
  static void add_segment_means_back(const Context& context, In<Real> d_mean_VD, View<const Index, Cpu> begin_1V,
                                     Out<Real> d_x_TD) {
    for_each(context, d_mean_VD.rows, [&](Index v) {
      const Real share = Real(1) / static_cast<Real>(begin_1V(0, v + 1) - begin_1V(0, v));
      for (Index t = begin_1V(0, v); t < begin_1V(0, v + 1); ++t)
        for (Index d = 0; d < d_x_TD.cols; ++d) d_x_TD(t, d) += share * d_mean_VD(v, d);
    });
  }

  /// max[v] = the largest value of each column of x's rows [begin_1V(0, v), begin_1V(0, v+1)); row[v] = the first row
  /// that has it.
  template <class Real>
  static void segment_maxima(const Context& context, In<Real> x_TD, View<const Index, Cpu> begin_1V, Out<Real> max_VD,
                             View<Index, Cpu> row_VD) {
    for_each(context, max_VD.rows, [&](Index v) {
      const Index first = begin_1V(0, v);
      for (Index d = 0; d < max_VD.cols; ++d) max_VD(v, d) = x_TD(first, d), row_VD(v, d) = first;
      for (Index t = first + 1; t < begin_1V(0, v + 1); ++t)
        for (Index d = 0; d < max_VD.cols; ++d)
          if (x_TD(t, d) > max_VD(v, d)) max_VD(v, d) = x_TD(t, d), row_VD(v, d) = t;
    });
  }

  // --- choosing and sorting -----------------------------------------------------------------------------------------

  /// For each expert, ranks 1 to `take` for the rows with the highest scores, 0 for the others; ties go to the lower
  /// row, NaN comes last. boundary_1E as ExpertChoice says.
  template <class Real>
  static void top_rows(const Context& context, In<Real> scores_RE, Index take, View<Rank, Cpu> chosen_RE,
                       Out<Real> boundary_1E) {
    const Index rows = scores_RE.rows;
    HostBuffer<Index> orders(context, rows * scores_RE.cols);
    cpu::parallel(context, scores_RE.cols, [&, all = orders.data()](Index e) {
      Index* order = all + e * rows;
      std::iota(order, order + rows, Index{0});
      // A strict order whatever the scores are: NaN comes after every number, and equals stand by their index.
      std::sort(order, order + rows, [&](Index a, Index b) {
        const auto x = descending_bits(scores_RE(a, e)), y = descending_bits(scores_RE(b, e));
        return x != y ? x < y : a < b;
      });
      for (Index place = 0; place < rows; ++place)
        chosen_RE(order[place], e) = place < take ? static_cast<Rank>(place + 1) : 0;
      const Real last = take > 0 ? scores_RE(order[take - 1], e) : Real(2);
      const Real next = take == 0 || take == rows ? Real(0) : scores_RE(order[take], e);
      boundary_1E(0, e) = (last + next) / 2;
    });
  }

  /// For each expert, sets to 0 what is over `take`: lower ranks stay before higher ones, then lower rows. dropped_1E
  /// counts what went.
  static void drop_over(const Context& context, Index take, View<Rank, Cpu> chosen_RE, View<Index, Cpu> dropped_1E) {
    cpu::parallel(context, chosen_RE.cols, [&](Index e) {
      Index wanted = 0;
      Rank last = 0;
      for (Index r = 0; r < chosen_RE.rows; ++r)
        if (chosen_RE(r, e) != 0) ++wanted, last = (std::max)(last, chosen_RE(r, e));
      dropped_1E(0, e) = (std::max)(Index{0}, wanted - take);
      if (wanted <= take) return;
      Index room = take;
      for (Rank rank = 1; rank <= last; ++rank)
        for (Index r = 0; r < chosen_RE.rows; ++r)
          if (chosen_RE(r, e) == rank && --room < 0) chosen_RE(r, e) = 0;
    });
  }

  /// The pairs (row, expert) with a rank above 0, sorted by expert, then by row.
  static Plan<Cpu> group_by_expert(const Context& context, View<const Rank, Cpu> chosen_TE) {
    Plan<Cpu> plan;
    plan.offsets.assign(static_cast<std::size_t>(chosen_TE.cols) + 1, 0);
    plan.pair_begin_1T = Matrix<Index, Cpu>::uninitialized(context, 1, chosen_TE.rows + 1);
    Index* pair_begin = plan.pair_begin_1T.data();
    pair_begin[0] = 0;
    for (Index t = 0; t < chosen_TE.rows; ++t) {
      pair_begin[t + 1] = pair_begin[t];
      for (Index e = 0; e < chosen_TE.cols; ++e)
        if (chosen_TE(t, e) != 0) ++pair_begin[t + 1], ++plan.offsets[static_cast<std::size_t>(e) + 1];
    }
    std::partial_sum(plan.offsets.begin(), plan.offsets.end(), plan.offsets.begin());
    plan.rows_1N = Matrix<Index, Cpu>::uninitialized(context, 1, plan.pairs());
    plan.experts_1N = Matrix<Index, Cpu>::uninitialized(context, 1, plan.pairs());
    plan.pairs_1N = Matrix<Index, Cpu>::uninitialized(context, 1, plan.pairs());
    HostBuffer<Index> next_E(context, chosen_TE.cols);
    Index* next = next_E.data();
    std::copy_n(plan.offsets.begin(), chosen_TE.cols, next);
    Index pair_of_row = 0;
    for (Index t = 0; t < chosen_TE.rows; ++t)
      for (Index e = 0; e < chosen_TE.cols; ++e)
        if (chosen_TE(t, e) != 0) {
          const Index n = next[e]++;
          plan.rows_1N.data()[n] = t;
          plan.experts_1N.data()[n] = e;
          plan.pairs_1N.data()[pair_of_row++] = n;
        }
    return plan;
  }

  /// Nothing travels on the CPU: it groups when it is asked to finish.
  struct Grouping {};
  /// The two steps of group_by_expert.
  static Grouping begin_grouping(const Context&, View<const Rank, Cpu>, const Foreseen& = {}) { return {}; }
  /// The plan.
  static Plan<Cpu> finish_grouping(const Context& context, View<const Rank, Cpu> chosen_TE, Grouping) {
    return group_by_expert(context, chosen_TE);
  }

 private:
  template <Product product, class Real>
  using Left = cpu::Left<Gemm, product, Real, Cpu>;

  /// The weights of every group that has rows, packed where they were.
  template <class Real>
  class Rights {
   public:
    Rights(const Context& context, ListView<View<const Real, Cpu>> weights, ListView<Index> offsets)
        : weights_(weights), packed_(context, context.packed ? weights.size : 0) {
      if (context.packed)
        for (Index g = 0; g < weights.size; ++g)
          packed_.data()[g] = offsets[g] < offsets[g + 1] ? context.packed->find(weights[g]) : cpu::Panels<Real>{};
    }
    cpu::Right<Real, Cpu> operator[](Index g) const {
      return {weights_[g], packed_.data() == nullptr ? cpu::Panels<Real>{} : packed_.data()[g]};
    }

   private:
    ListView<View<const Real, Cpu>> weights_;
    HostBuffer<cpu::Panels<Real>> packed_;
  };

  template <class Real>
  static View<Real, Cpu> tile(View<Real, Cpu> y, Index row, Index rows_end, Index col, Index cols_end) {
    return y.rows_between(row, rows_end).cols_between(col, cols_end);
  }
  /// Tiles of the size that L's products are made for, covering y.
  template <class L, class Real, class F>
  static void for_each_tile(const Context& context, ListView<Index> offsets, View<Real, Cpu> y, const F& f) {
    cpu::for_each_tile(context, offsets, L::rows_step, y.cols, &L::cols_step, f);
  }

  template <class Real, class Gate>
  static void add_pairs(const Context& context, View<const Real, Cpu> y_ND, const Plan<Cpu>& plan, Out<Real> y_TD,
                        const Gate& gate) {
    const Index *begin = plan.pair_begin_1T.data(), *pairs = plan.pairs_1N.data();
    for_each(context, y_TD.rows, [&](Index t) {
      const auto y = y_TD.row(t);
      std::fill(y.begin(), y.end(), Real(0));
      for (Index i = begin[t]; i < begin[t + 1]; ++i) {
        const Real g = gate(pairs[i]);
        const Real* from = y_ND.row(pairs[i]).data;
        for (Index d = 0; d < y.size; ++d) y[d] += g * from[d];
      }
    });
  }
};

/// The context of the CPU backend with our own products.
using CpuContext = Cpu<>::Context;

}  // namespace moe
