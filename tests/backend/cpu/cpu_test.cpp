#include "moe/backend/cpu/cpu.hpp"

#include "moe/concepts/backend.hpp"
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
  B::row_products(context, x, w, all.view());
  for (const Index r : {0, 1, 50, 99}) {
    B::row_products(context, x.view().rows_between(r, r + 1), w, one.view());
    for (Index e = 0; e < 6; ++e) CHECK(one.view()(0, e) == all.view()(r, e));
  }
}

TEMPLATE_TEST_CASE("SwiGLU and its gradient are their formulas", "[cpu]", float, double) {
  Draw draw("swiglu");
  const Index size = 5000;
  const auto a = random_matrix<TestType, B>(draw, 1, size, 3), b = random_matrix<TestType, B>(draw, 1, size);
  const auto d_h = random_matrix<TestType, B>(draw, 1, size);
  Matrix<TestType, B> h(1, size), again(1, size), d_a = a.copy(), d_b = b.copy();
  B::swiglu(context, a, b, h.view());
  // In place, as the experts call it.
  B::swiglu_back(context, d_a, d_b, d_h, d_a.view(), d_b.view(), again.view());
  std::vector<double> h_expected, d_a_expected, d_b_expected;
  for (Index i = 0; i < size; ++i) {
    const double z = static_cast<double>(a.data()[i]), factor = static_cast<double>(b.data()[i]),
                 d = static_cast<double>(d_h.data()[i]), s = 1 / (1 + std::exp(-z));
    h_expected.push_back(z * s * factor);
    d_a_expected.push_back(d * factor * s * (1 + z * (1 - s)));
    d_b_expected.push_back(d * z * s);
  }
  CHECK(nmse(h_expected, values_of(h)) < Tolerance<TestType>::nmse);
  CHECK(nmse(h_expected, values_of(again)) < Tolerance<TestType>::nmse);
  CHECK(nmse(d_a_expected, values_of(d_a)) < Tolerance<TestType>::nmse);
  CHECK(nmse(d_b_expected, values_of(d_b)) < Tolerance<TestType>::nmse);
}

TEMPLATE_TEST_CASE("SwiGLU keeps to its limits far out", "[cpu]", float, double) {
  Matrix<TestType, B> a(1, 4), b(1, 4), h(1, 4), d_a(1, 4), d_b(1, 4);
  const TestType far = 1e4;
  for (Index i = 0; i < 4; ++i) {
    a.data()[i] = i % 2 ? far : -far;
    b.data()[i] = 2;
  }
  B::swiglu(context, a, b, h.view());
  B::swiglu_back(context, a, b, b, d_a.view(), d_b.view(), h.view());
  for (Index i = 0; i < 4; ++i) {
    CHECK(h.data()[i] == (i % 2 ? 2 * far : TestType(0)));
    CHECK(std::abs(d_a.data()[i] - (i % 2 ? TestType(4) : TestType(0))) < TestType(1e-3));
  }
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
  Tensor mean(3, 3);
  B::segment_means(context, x, begin, mean.view());
  auto d_x = random_matrix<double, B>(draw, 6, 3);
  const auto before = d_x.copy();
  const auto d_mean = random_matrix<double, B>(draw, 3, 3);
  B::add_segment_means_back(context, d_mean, begin, d_x.view());
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
