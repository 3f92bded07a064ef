/// Which backends the contract accepts and which it rejects. tests/compile_fail tests that the error names the
/// operation.
#include "moe/backend/contract/checked.hpp"

#include "moe/backend/contract/archetype.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/shape/shape.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/initialize.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace checked_test {

using namespace moe;
using namespace moe::testing;

namespace {

/// Which families of operations accept a backend.
struct Families {
  bool memory, elementwise, gemm, glu, routing, segments, optimizer;
  bool operator==(const Families&) const = default;
  bool all() const { return *this == Families{true, true, true, true, true, true, true}; }
};
template <class B, class Value>
constexpr Families families_of = {MemoryBackend<B, Value>,   ElementwiseBackend<B, Value>, GemmBackend<B, Value>,
                                  GluBackend<B, Value>,      RoutingBackend<B, Value>,     SegmentsBackend<B, Value>,
                                  OptimizerBackend<B, Value>};

/// Hides one operation by a function without parameters. The named family must reject the backend, and no other family.
#define MOE_TEST_HIDES(operation, family)                                      \
  struct Hides_##operation : cpu::Operations<Hides_##operation> {              \
    static void operation();                                                   \
  };                                                                           \
  constexpr Families without_##operation = [] {                                \
    Families rest{true, true, true, true, true, true, true};                   \
    rest.family = false;                                                       \
    return rest;                                                               \
  }();                                                                         \
  static_assert(families_of<Hides_##operation, float> == without_##operation); \
  static_assert(!ComputingBackend<Hides_##operation, float>)
MOE_TEST_HIDES(upload, memory);
MOE_TEST_HIDES(download, memory);
MOE_TEST_HIDES(download_async, memory);
MOE_TEST_HIDES(for_each, elementwise);
MOE_TEST_HIDES(for_each_element, elementwise);
MOE_TEST_HIDES(for_each_cell, elementwise);
MOE_TEST_HIDES(for_each_row, elementwise);
MOE_TEST_HIDES(for_each_on_host, elementwise);
MOE_TEST_HIDES(add_column_sums, elementwise);
MOE_TEST_HIDES(sum_of_squares, elementwise);
MOE_TEST_HIDES(row_products, gemm);
MOE_TEST_HIDES(add_row_dgrad, gemm);
MOE_TEST_HIDES(add_row_wgrad, gemm);
MOE_TEST_HIDES(grouped_product, gemm);
MOE_TEST_HIDES(add_grouped_dgrad, gemm);
MOE_TEST_HIDES(grouped_wgrad, gemm);
MOE_TEST_HIDES(products, gemm);
MOE_TEST_HIDES(grouped_glu, glu);
MOE_TEST_HIDES(grouped_glu_backward, glu);
MOE_TEST_HIDES(grouped_glu_dgrad, glu);
MOE_TEST_HIDES(glu, glu);
MOE_TEST_HIDES(glu_backward, glu);
MOE_TEST_HIDES(top_rows, routing);
MOE_TEST_HIDES(drop_overflow, routing);
MOE_TEST_HIDES(begin_grouping, routing);
MOE_TEST_HIDES(finish_grouping, routing);
MOE_TEST_HIDES(gather_rows, routing);
MOE_TEST_HIDES(combine_rows, routing);
MOE_TEST_HIDES(sum_rows, routing);
MOE_TEST_HIDES(segment_means, segments);
MOE_TEST_HIDES(add_segment_means_backward, segments);
MOE_TEST_HIDES(segment_maxima, segments);
MOE_TEST_HIDES(adamw, optimizer);
MOE_TEST_HIDES(narrow_weights, optimizer);
#undef MOE_TEST_HIDES

/// Backends in which one type of the contract is incomplete.
struct NoTeam : cpu::Operations<NoTeam> {
  using Team = int;
};
struct NoHostBuffer : cpu::Operations<NoHostBuffer> {
  template <class Value>
  using HostBuffer = archetype::Backend::Buffer<Value>;
};
struct NoLater : cpu::Operations<NoLater> {
  template <class Value>
  struct AsyncCopy {};
};
static_assert(!ElementwiseBackend<NoTeam, float> && !MemoryBackend<NoHostBuffer, float> &&
              !StorageBackend<NoLater, float>);

// A backend without arithmetic has storage and no operations that compute.
static_assert(StorageBackend<Shape, float> && Backend<Shape> && !MemoryBackend<Shape, float> &&
              !ComputingBackend<Shape, float>);
static_assert(Backend<archetype::Backend> && !StorageBackend<archetype::Backend, float>);

/// Has every operation with exactly the parameters of the contract, and calls the CPU's operations: a layer that
/// compiles for it uses nothing that the contract does not guarantee.
struct Strict : cpu::Operations<Strict> {
  using Own = cpu::Operations<Strict>;
  template <class V>
  using In = std::type_identity_t<View<const V, Strict>>;
  template <class V>
  using Out = View<V, Strict>;
  template <class V>
  using Weights = std::type_identity_t<ListView<View<const V, Strict>>>;

  template <class F>
  static void for_each(const Context& context, Index count, const F& f) {
    Own::for_each(context, count, f);
  }
  template <class Sum, class Value = Sum>
  static void add_column_sums(const Context& context, In<Value> x_RD, Out<Sum> y_1D) {
    Own::add_column_sums<Sum>(context, x_RD, y_1D);
  }
  template <class V>
  static void sum_of_squares(const Context& context, View<const V, Strict> x, Out<double> sum_11) {
    Own::sum_of_squares(context, x, sum_11);
  }
  template <class V>
  static void row_products(const Context& context, View<const V, Strict> x_RD, In<V> w_ED, Out<V> y_RE) {
    Own::row_products(context, x_RD, w_ED, y_RE);
  }
  template <class V>
  static void add_row_dgrad(const Context& context, In<V> d_y_RE, In<V> w_ED, Out<V> d_x_RD) {
    Own::add_row_dgrad(context, d_y_RE, w_ED, d_x_RD);
  }
  template <class V>
  static void add_row_wgrad(const Context& context, In<V> d_y_RE, View<const V, Strict> x_RD, Out<V> d_w_ED) {
    Own::add_row_wgrad(context, d_y_RE, x_RD, d_w_ED);
  }
  template <class V>
  static void grouped_product(const Context& context, In<V> x_ND, Weights<V> w_FD, const GroupOffsets& offsets,
                              Out<V> y_NF) {
    Own::grouped_product<V>(context, x_ND, w_FD, offsets, y_NF);
  }
  template <class V>
  static void add_grouped_dgrad(const Context& context, In<V> d_y_NF, Weights<V> w_FD, ListView<Index> offsets,
                                Out<V> d_x_ND) {
    Own::add_grouped_dgrad<V>(context, d_y_NF, w_FD, offsets, d_x_ND);
  }
  template <class V, class GradientValue>
  static void grouped_wgrad(const Context& context, View<const V, Strict> d_y_NF, View<const V, Strict> x_ND,
                            ListView<Index> offsets,
                            std::type_identity_t<ListView<View<GradientValue, Strict>>> d_w_FD) {
    Own::grouped_wgrad<V, GradientValue>(context, d_y_NF, x_ND, offsets, d_w_FD);
  }
  template <Product product, class V, class Sum>
  static void products(const Context& context, std::type_identity_t<ListView<ProductOf<V, Sum, Strict>>> list) {
    Own::products<product, V, Sum>(context, list);
  }
  template <Activation A, class V>
  static void grouped_glu(const Context& context, const A& activation, In<V> x_ND, Weights<V> gate_FD, Weights<V> up_FD,
                          const GroupOffsets& offsets, Out<V> a_NF, Out<V> b_NF, Out<V> h_NF) {
    Own::grouped_glu<A, V>(context, activation, x_ND, gate_FD, up_FD, offsets, a_NF, b_NF, h_NF);
  }
  template <Activation A, class V>
  static void grouped_glu_backward(const Context& context, const A& activation, In<V> d_y_ND, Weights<V> down_DF,
                                   ListView<Index> offsets, In<V> gates_1N, Out<V> a_NF, Out<V> b_NF, Out<V> h_NF,
                                   Out<V> d_gates_1N) {
    Own::grouped_glu_backward<A, V>(context, activation, d_y_ND, down_DF, offsets, gates_1N, a_NF, b_NF, h_NF,
                                    d_gates_1N);
  }
  template <class V>
  static void grouped_glu_dgrad(const Context& context, In<V> d_a_NF, Weights<V> gate_FD, In<V> d_b_NF,
                                Weights<V> up_FD, ListView<Index> offsets, Out<V> d_x_ND) {
    Own::grouped_glu_dgrad<V>(context, d_a_NF, gate_FD, d_b_NF, up_FD, offsets, d_x_ND);
  }
  template <class V>
  static void top_rows(const Context& context, In<V> scores_RE, Index take, View<ChoiceOrder, Strict> chosen_RE,
                       Out<V> boundary_1E) {
    Own::top_rows<V>(context, scores_RE, take, chosen_RE, boundary_1E);
  }
  static Grouping begin_grouping(const Context& context, View<const ChoiceOrder, Strict> chosen_RE,
                                 const ExpectedCounts& expected) {
    return Own::begin_grouping(context, chosen_RE, expected);
  }
  template <class V>
  static void gather_rows(const Context& context, In<V> x_TD, const Plan<Strict>& plan, Out<V> x_ND) {
    Own::gather_rows<V>(context, x_TD, plan, x_ND);
  }
  template <class V>
  static void combine_rows(const Context& context, In<V> y_ND, In<V> gates_1N, const Plan<Strict>& plan, Out<V> y_TD) {
    Own::combine_rows<V>(context, y_ND, gates_1N, plan, y_TD);
  }
  template <class V>
  static void sum_rows(const Context& context, In<V> x_ND, const Plan<Strict>& plan, Out<V> x_TD) {
    Own::sum_rows<V>(context, x_ND, plan, x_TD);
  }
  template <class V>
  static void segment_means(const Context& context, View<const V, Strict> x_TD, View<const Index, Strict> begin_1V,
                            Out<V> mean_VD) {
    Own::segment_means<V>(context, x_TD, begin_1V, mean_VD);
  }
  template <class V>
  static void add_segment_means_backward(const Context& context, In<V> d_mean_VD, View<const Index, Strict> begin_1V,
                                         Out<V> d_x_TD) {
    Own::add_segment_means_backward<V>(context, d_mean_VD, begin_1V, d_x_TD);
  }
};
static_assert(check_backend<Strict, float>());

/// Trains a layer for two steps; returns its outputs, the gradients of its input and its weights.
template <class B>
std::vector<float> trained() {
  const typename B::Context context{.threads = 1};
  auto layer = make_multipl<CausalMultiPlMoe<float, B>>({.width = 8, .hidden = 12, .window = 3});
  initialize(context, layer, /*seed=*/3);
  Matrix<float, B> x(20, 8), d_y(20, 8);
  for (Index i = 0; i < x.size(); ++i)
    x.data()[i] = static_cast<float>(i % 13) / 7 - 1, d_y.data()[i] = static_cast<float>(i % 5) - 2;
  auto gradient = gradient_for(layer);
  AdamWState memory(context, layer, gradient);
  std::vector<float> values;
  const auto keep = [&](const auto& tensor) {
    values.insert(values.end(), tensor.data(), tensor.data() + tensor.size());
  };
  for (Index step = 1; step <= 2; ++step) {
    auto [y, saved, stats] = layer.forward(context, x, Batch::ragged({9, 11}));
    keep(y);
    keep(layer.backward(context, d_y, {.balance = 0.01}, std::move(saved), gradient));
    AdamW{}.step(context, 1e-2, step, clip_factor(global_norm(context, gradient), 1), layer, gradient, memory);
  }
  auto state = layer.begin_decoding(context, 2);
  keep(layer.decode(context, x.view().rows_between(0, 2), {}, state));
  for_each_tensor(keep, layer);
  return values;
}

}  // namespace

TEST_CASE("layers use only the operations that the contract of a backend guarantees", "[backend]") {
  const auto strict = trained<Strict>(), cpu = trained<Cpu<>>();
  CHECK(strict.size() > 20 * 8);
  CHECK(strict == cpu);
}

}  // namespace checked_test
