#include "moe/backend/cpu/cpu.hpp"

#include "moe/backend/contract/backend.hpp"
#include "moe/backend/cpu/eigen_gemm.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Tensor = Matrix<double, B>;
using ConstView = View<const double, B>;
static_assert(Backend<B>);
const CpuContext context{.threads = 2};

/// Groups of 3, 0, 300 and 1 rows: none, a few, more than a tile, and one alone.
const std::vector<Index> offsets = {0, 3, 3, 303, 304};
const Index in = 5, out = 260;

std::vector<Tensor> draw_weights(Draw& draw) {
  std::vector<Tensor> w;
  for (int g = 0; g < 4; ++g) w.push_back(random_matrix<double, B>(draw, out, in));
  return w;
}
template <class V>
std::vector<V> views(const std::vector<Tensor>& tensors) {
  std::vector<V> result;
  for (const auto& t : tensors) result.push_back(t.view());
  return result;
}
Index group_of(Index row) { return row < 3 ? 0 : row < 303 ? 2 : 3; }

}  // namespace

TEST_CASE("a grouped product sends each group's rows through its own weights", "[cpu]") {
  Draw draw("grouped product");
  const auto w = draw_weights(draw);
  // Every second row and a piece of its columns, as a view into somebody's larger matrix would be.
  const auto wide = random_matrix<double, B>(draw, 304, 2 * in + 3);
  const ConstView x(wide.data() + 1, 304, in, wide.cols());
  Tensor y(304, out + 2);
  B::grouped_product(context, x, views<ConstView>(w), offsets, y.view().cols_between(1, out + 1));
  std::vector<double> expected, actual;
  for (Index r = 0; r < 304; ++r)
    for (Index f = 0; f < out; ++f) {
      double sum = 0;
      for (Index d = 0; d < in; ++d) sum += x(r, d) * w[static_cast<std::size_t>(group_of(r))].view()(f, d);
      expected.push_back(sum);
      actual.push_back(y.view()(r, f + 1));
    }
  CHECK(relative_deviation(expected, actual) < 1e-14);
  for (Index r = 0; r < 304; ++r) CHECK((y.view()(r, 0) == 0 && y.view()(r, out + 1) == 0));
}

TEST_CASE("its backward adds to what is there", "[cpu]") {
  Draw draw("grouped product back");
  const auto w = draw_weights(draw);
  const auto d_y = random_matrix<double, B>(draw, 304, out);
  auto d_x = random_matrix<double, B>(draw, 304, in);
  std::vector<double> expected;
  for (Index r = 0; r < 304; ++r)
    for (Index d = 0; d < in; ++d) {
      double sum = d_x.view()(r, d);
      for (Index f = 0; f < out; ++f) sum += d_y.view()(r, f) * w[static_cast<std::size_t>(group_of(r))].view()(f, d);
      expected.push_back(sum);
    }
  B::add_grouped_product_back(context, d_y, views<ConstView>(w), offsets, d_x.view());
  CHECK(relative_deviation(expected, values_of(d_x)) < 1e-13);
}

TEST_CASE("weight gradients add group by group and skip the empty ones", "[cpu]") {
  Draw draw("weight gradient");
  const auto d_y = random_matrix<double, B>(draw, 304, out), x = random_matrix<double, B>(draw, 304, in);
  std::vector<Tensor> d_w;
  for (int g = 0; g < 4; ++g) d_w.push_back(g == 3 ? Tensor() : random_matrix<double, B>(draw, out, in));
  std::vector<double> expected;
  for (Index g = 0; g < 3; ++g)
    for (Index f = 0; f < out; ++f)
      for (Index d = 0; d < in; ++d) {
        double sum = d_w[static_cast<std::size_t>(g)].view()(f, d);
        for (Index r = 0; r < 303; ++r)
          if (group_of(r) == g) sum += d_y.view()(r, f) * x.view()(r, d);
        expected.push_back(sum);
      }
  std::vector<View<double, B>> targets;
  for (auto& t : d_w) targets.push_back(t.view());
  B::grouped_weight_gradient(context, std::as_const(d_y).view(), std::as_const(x).view(), offsets, targets);
  std::vector<double> actual;
  for (const auto& t : d_w)
    for (const double value : values_of(t)) actual.push_back(value);
  CHECK(relative_deviation(expected, actual) < 1e-13);
  CHECK(d_w[3].empty());
}

TEST_CASE("a row's product with the gate has the same bits beside any other rows", "[cpu]") {
  Draw draw("row products");
  const auto x = random_matrix<float, B>(draw, 100, 37), w = random_matrix<float, B>(draw, 6, 37);
  Matrix<float, B> all(100, 6), one(1, 6);
  B::row_products(context, std::as_const(x).view(), w, all.view());
  for (const Index r : {0, 1, 50, 99}) {
    B::row_products(context, x.view().rows_between(r, r + 1), w, one.view());
    for (Index e = 0; e < 6; ++e) CHECK(one.view()(0, e) == all.view()(r, e));
  }
}

TEST_CASE("SwiGLU's verbs are its products and their gradients, whichever Gemm multiplies", "[cpu]") {
  const auto check = [](auto gemm) {
    using G = Cpu<decltype(gemm)>;
    using Real = double;
    using T = Matrix<Real, G>;
    const typename G::Context g_context{.threads = 2};
    Draw draw("swiglu verbs");
    std::vector<T> gate, up, down;
    for (int g = 0; g < 4; ++g) {
      gate.push_back(random_matrix<Real, G>(draw, out, in));
      up.push_back(random_matrix<Real, G>(draw, out, in));
      down.push_back(random_matrix<Real, G>(draw, in, out));
    }
    const auto list = [](const std::vector<T>& tensors) {
      std::vector<View<const Real, G>> result;
      for (const auto& t : tensors) result.push_back(t.view());
      return result;
    };
    const auto x = random_matrix<Real, G>(draw, 304, in), d_y = random_matrix<Real, G>(draw, 304, in);
    T a(304, out), b(304, out), h(304, out), alone(304, out), again(304, out), d_x(304, in);
    const auto gates = random_matrix<double, G>(draw, 1, 304);
    G::grouped_glu(g_context, Silu{}, x, list(gate), list(up), offsets, a.view(), b.view(), h.view());
    G::grouped_glu(g_context, Silu{}, x, list(gate), list(up), offsets, {}, {}, alone.view());
    CHECK(same_bits(h, alone));
    // The verbs without products give the bits of those with them.
    auto here = a.copy(), lone_a = a.copy(), lone_b = b.copy();
    G::glu(g_context, Silu{}, here, b, here.view());
    CHECK(same_bits(h, here));
    T lone_h(304, out);
    G::add_grouped_product_back(g_context, d_y, list(down), offsets, lone_h.view());
    G::glu_back(g_context, Silu{}, lone_a.view(), lone_b.view(), lone_h.view());
    CHECK(same_bits(h, lone_h));
    std::vector<double> a_expected, b_expected, h_expected, d_a_expected, d_b_expected, d_x_expected(304 * in, 0.0),
        d_gates_expected(304, 0.0);
    for (Index r = 0; r < 304; ++r)
      for (Index f = 0; f < out; ++f) {
        const auto g = static_cast<std::size_t>(group_of(r));
        double z = 0, factor = 0, d_h = 0;
        for (Index d = 0; d < in; ++d) {
          z += x.view()(r, d) * gate[g].view()(f, d);
          factor += x.view()(r, d) * up[g].view()(f, d);
          d_h += d_y.view()(r, d) * down[g].view()(d, f);
        }
        const double s = 1 / (1 + std::exp(-z));
        a_expected.push_back(z);
        b_expected.push_back(factor);
        h_expected.push_back(z * s * factor);
        d_a_expected.push_back(d_h * factor * s * (1 + z * (1 - s)));
        d_b_expected.push_back(d_h * z * s);
        d_gates_expected[static_cast<std::size_t>(r)] += d_h * h_expected.back();
        for (Index d = 0; d < in; ++d)
          d_x_expected[static_cast<std::size_t>(r * in + d)] +=
              d_a_expected.back() * gate[g].view()(f, d) + d_b_expected.back() * up[g].view()(f, d);
      }
    CHECK(relative_deviation(a_expected, values_of(a)) < 1e-13);
    CHECK(relative_deviation(b_expected, values_of(b)) < 1e-13);
    CHECK(relative_deviation(h_expected, values_of(h)) < 1e-13);
    // With gates everything is theirs times as large, but the gates' own gradient, which is without.
    auto gated_a = a.copy(), gated_b = b.copy();
    Matrix<double, G> gated_h(304, out), d_gates(1, 304);
    G::grouped_glu_back(g_context, Silu{}, d_y, list(down), offsets, gates, gated_a.view(), gated_b.view(),
                        gated_h.view(), d_gates.view());
    G::grouped_glu_back(g_context, Silu{}, d_y, list(down), offsets, {}, a.view(), b.view(), again.view(), {});
    CHECK(same_bits(h, again));
    CHECK(same_bits(a, lone_a));
    CHECK(same_bits(b, lone_b));
    CHECK(relative_deviation(d_a_expected, values_of(a)) < 1e-13);
    CHECK(relative_deviation(d_b_expected, values_of(b)) < 1e-13);
    std::vector<double> gated_a_expected, gated_b_expected, gated_h_expected;
    for (Index r = 0; r < 304; ++r)
      for (Index i = r * out; i < (r + 1) * out; ++i) {
        const auto at = static_cast<std::size_t>(i);
        gated_a_expected.push_back(gates.data()[r] * d_a_expected[at]);
        gated_b_expected.push_back(gates.data()[r] * d_b_expected[at]);
        gated_h_expected.push_back(gates.data()[r] * h_expected[at]);
      }
    CHECK(relative_deviation(gated_a_expected, values_of(gated_a)) < 1e-13);
    CHECK(relative_deviation(gated_b_expected, values_of(gated_b)) < 1e-13);
    CHECK(relative_deviation(gated_h_expected, values_of(gated_h)) < 1e-13);
    CHECK(relative_deviation(d_gates_expected, values_of(d_gates)) < 1e-13);
    G::grouped_glu_input_gradient(g_context, a, list(gate), b, list(up), offsets, d_x.view());
    CHECK(relative_deviation(d_x_expected, values_of(d_x)) < 1e-13);
  };
  check(TileGemm{});
  check(EigenGemm{});
}

TEST_CASE("an expert takes the rows with its best scores, the lower row first among equals", "[cpu]") {
  const std::vector<double> scores = {.9, .5, .1, .5, .9, .5, .3, .5};
  Matrix<Rank, B> chosen(4, 2);
  Tensor boundary(1, 2);
  const auto choose = [&](Index take) {
    B::top_rows<double>(context, ConstView(scores.data(), 4, 2), take, chosen.view(), boundary.view());
    return std::vector<Rank>(chosen.data(), chosen.data() + 8);
  };
  CHECK(choose(2) == std::vector<Rank>{1, 1, 0, 2, 2, 0, 0, 0});
  CHECK(boundary.data()[0] == Catch::Approx(0.6));
  CHECK(boundary.data()[1] == 0.5);
  CHECK(choose(1) == std::vector<Rank>{1, 1, 0, 0, 0, 0, 0, 0});
  CHECK(boundary.data()[0] == 0.9);
  CHECK(choose(4) == std::vector<Rank>{1, 1, 4, 2, 2, 3, 3, 4});
  CHECK(boundary.data()[0] == Catch::Approx(0.05));
  CHECK(choose(0) == std::vector<Rank>(8, 0));
  CHECK(boundary.data()[0] == 1);
}

TEST_CASE("a plan lists pairs by expert and finds each row's again", "[cpu]") {
  Draw draw("plan");
  for (std::uint32_t i = 0; i < 50; ++i) {
    const Index rows = draw.between(0, 9), experts = draw.between(1, 4);
    Matrix<Rank, B> chosen(rows, experts);
    for (Index n = 0; n < chosen.size(); ++n) chosen.data()[n] = static_cast<Rank>(draw.between(0, 2));
    const auto plan = B::group_by_expert(context, chosen);
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    REQUIRE(plan.experts() == experts);
    Index pair = 0;
    for (Index e = 0; e < experts; ++e) {
      CHECK(plan.offsets[static_cast<std::size_t>(e)] == pair);
      for (Index t = 0; t < rows; ++t) {
        if (chosen.view()(t, e) == 0) continue;
        REQUIRE(pair < plan.pairs());
        CHECK(plan.rows_1N.data()[pair] == t);
        CHECK(plan.experts_1N.data()[pair] == e);
        ++pair;
      }
    }
    CHECK(plan.pairs() == pair);
    for (Index t = 0; t < rows; ++t) {
      Index last = -1;
      for (Index n = plan.pair_begin_1T.data()[t]; n < plan.pair_begin_1T.data()[t + 1]; ++n) {
        const Index p = plan.pairs_1N.data()[n];
        CHECK(plan.rows_1N.data()[p] == t);
        CHECK(plan.experts_1N.data()[p] > last);
        last = plan.experts_1N.data()[p];
      }
    }
    CHECK(plan.pair_begin_1T.data()[rows] == plan.pairs());
  }
}

TEST_CASE("sums are what plain loops give", "[cpu]") {
  Draw draw("sums");
  const auto x = random_matrix<double, B>(draw, 77, 130);
  auto y = random_matrix<double, B>(draw, 1, 130);
  std::vector<double> expected = values_of(y);
  double squares = 0;
  for (Index r = 0; r < 77; ++r)
    for (Index c = 0; c < 130; ++c) {
      expected[static_cast<std::size_t>(c)] += x.view()(r, c);
      squares += x.view()(r, c) * x.view()(r, c);
    }
  B::add_column_sums(context, x, y.view());
  CHECK(relative_deviation(expected, values_of(y)) < 1e-14);
  CHECK(B::sum_of_squares(context, x.view()) == Catch::Approx(squares).epsilon(1e-13));
}

TEST_CASE("segment means and their backward", "[cpu]") {
  Draw draw("means");
  const auto x = random_matrix<double, B>(draw, 6, 3);
  const std::vector<Index> begin = {0, 1, 4, 6};
  const View<const Index, B> begin_1V(begin.data(), 1, 4);
  Tensor mean(3, 3);
  B::segment_means(context, x, begin_1V, mean.view());
  auto d_x = random_matrix<double, B>(draw, 6, 3);
  const auto before = d_x.copy();
  const auto d_mean = random_matrix<double, B>(draw, 3, 3);
  B::add_segment_means_back(context, d_mean, begin_1V, d_x.view());
  for (std::size_t v = 0; v < 3; ++v)
    for (Index d = 0; d < 3; ++d) {
      double sum = 0;
      const double length = static_cast<double>(begin[v + 1] - begin[v]);
      for (Index t = begin[v]; t < begin[v + 1]; ++t) {
        sum += x.view()(t, d);
        CHECK(d_x.view()(t, d) ==
              Catch::Approx(before.view()(t, d) + d_mean.view()(static_cast<Index>(v), d) / length).epsilon(1e-14));
      }
      CHECK(mean.view()(static_cast<Index>(v), d) == Catch::Approx(sum / length).epsilon(1e-14));
    }
}

TEST_CASE("values go in and out through strides", "[cpu]") {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  Matrix<float, B> m(2, 5);
  B::upload(context, values.data(), m.view().cols_between(1, 4));
  CHECK(m.view()(1, 1) == 4);
  CHECK(m.view()(0, 0) == 0);
  CHECK(m.view()(0, 4) == 0);
  std::vector<float> back(6);
  B::download(context, std::as_const(m).view().cols_between(1, 4), back.data());
  CHECK(back == values);
}
