/// The accelerator's verbs, on a device that needs no GPU, against plain loops and the CPU's verbs.
#include "moe/backend/cuda/accelerator.cuh"

#include <limits>

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/device_run.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;
const A::Context context;

template <class Value>
Matrix<Value, A> sent(const Matrix<Value, Cpu<>>& from) {
  auto to = Matrix<Value, A>::uninitialized(context, from.rows(), from.cols());
  A::upload(context, from.data(), to.view());
  return to;
}
template <class Value>
std::vector<Value> fetched(View<const Value, A> from) {
  std::vector<Value> values(static_cast<std::size_t>(from.size()));
  A::download(context, from, values.data());
  return values;
}
template <class Value>
std::vector<Value> fetched(const Matrix<Value, A>& from) {
  return fetched(from.view());
}
template <class Value>
std::vector<Value> listed(const Matrix<Value, Cpu<>>& from) {
  return {from.data(), from.data() + from.size()};
}

template <class B>
void check_row_products() {
  const typename B::Context here;
  Draw draw("logits");
  for (const Index width : {1, 7, 8, 61, 128})
    for (const Index experts : {1, 6, 8, 19}) {
      const auto x = random_matrix<float, Cpu<>>(draw, 11, width),
                 w = random_matrix<float, Cpu<>>(draw, experts, width);
      auto x_RD = Matrix<float, B>::uninitialized(here, 11, width),
           w_ED = Matrix<float, B>::uninitialized(here, experts, width);
      B::upload(here, x.data(), x_RD.view());
      B::upload(here, w.data(), w_ED.view());
      auto all = Matrix<float, B>::uninitialized(here, 11, experts),
           one = Matrix<float, B>::uninitialized(here, 1, experts);
      B::row_products(here, std::as_const(x_RD).view(), w_ED, all.view());
      std::vector<float> y(static_cast<std::size_t>(11 * experts)), alone(static_cast<std::size_t>(experts));
      B::download(here, std::as_const(all).view(), y.data());
      std::vector<double> expected;
      for (Index r = 0; r < 11; ++r)
        for (Index e = 0; e < experts; ++e) {
          double sum = 0;
          for (Index d = 0; d < width; ++d) sum += double(x.view()(r, d)) * double(w.view()(e, d));
          expected.push_back(sum);
        }
      CHECK(relative_deviation(expected, {y.begin(), y.end()}) < 1e-6);
      // The row before it has gone, and with it every alignment.
      for (Index r = 0; r < 11; ++r) {
        B::row_products(here, std::as_const(x_RD).view().rows_between(r, r + 1), w_ED, one.view());
        B::download(here, std::as_const(one).view(), alone.data());
        CHECK(std::equal(alone.begin(), alone.end(), y.begin() + r * experts));
      }
    }
}

}  // namespace

TEST_CASE("the host does each task of its own once", "[accelerator]") {
  std::vector<int> runs(5);
  A::for_each_on_host(context, 5, [&](Index i) { ++runs[static_cast<std::size_t>(i)]; });
  CHECK(runs == std::vector<int>(5, 1));
}

TEST_CASE("rows of a view with gaps go to the device and back", "[accelerator]") {
  auto whole = Matrix<float, A>::zeros(context, 3, 5);
  const auto part = whole.view().cols_between(1, 3);
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  A::upload(context, values.data(), part);
  CHECK(fetched(View<const float, A>(part)) == values);
  CHECK(fetched(whole) == std::vector<float>{0, 1, 2, 0, 0, 0, 3, 4, 0, 0, 0, 5, 6, 0, 0});
}

TEST_CASE("a row's logits do not depend on rows beside it, nor on where it lies", "[accelerator]") {
  check_row_products<Emulated>();
#ifndef MOE_SLOW_BUILD
  // Lanes switch stacks, which sanitizers take for an error.
  check_row_products<EmulatedWarps<8>>();
#endif
}

TEST_CASE("the backward of logits is that of a linear", "[accelerator]") {
  Draw draw("logits, backward");
  for (const Index rows : {0, 1, 5, 300}) {
    const auto x = random_matrix<double, Cpu<>>(draw, rows, 13), d_y = random_matrix<double, Cpu<>>(draw, rows, 11),
               w = random_matrix<double, Cpu<>>(draw, 11, 13);
    auto d_x = random_matrix<double, Cpu<>>(draw, rows, 13), d_w = random_matrix<double, Cpu<>>(draw, 11, 13);
    auto d_x_RD = sent(d_x), d_w_ED = sent(d_w);
    A::add_row_products_back(context, sent(d_y), sent(w), d_x_RD.view());
    const auto x_RD = sent(x);
    A::add_row_weight_gradient(context, sent(d_y), x_RD.view(), d_w_ED.view());
    for (Index r = 0; r < rows; ++r)
      for (Index e = 0; e < 11; ++e)
        for (Index d = 0; d < 13; ++d) {
          d_x.view()(r, d) += d_y.view()(r, e) * w.view()(e, d);
          d_w.view()(e, d) += d_y.view()(r, e) * x.view()(r, d);
        }
    CHECK(relative_deviation(values_of(d_x), fetched(d_x_RD)) < 1e-13);
    CHECK(relative_deviation(values_of(d_w), fetched(d_w_ED)) < 1e-13);
  }
}

TEST_CASE("products of groups, some of them empty, are those of the CPU", "[accelerator]") {
  Draw draw("groups");
  const std::vector<Index> offsets = {0, 4, 4, 8, 12, 12, 13};
  std::vector<Matrix<double, Cpu<>>> here;
  std::vector<Matrix<double, A>> there;
  std::vector<View<const double, Cpu<>>> w;
  std::vector<View<const double, A>> w_there;
  for (int g = 0; g < 6; ++g)
    here.push_back(random_matrix<double, Cpu<>>(draw, 5, 3)), there.push_back(sent(here.back()));
  for (const auto& weight : here) w.push_back(weight.view());
  for (const auto& weight : there) w_there.push_back(weight.view());
  const auto x = random_matrix<double, Cpu<>>(draw, 13, 3), d_y = random_matrix<double, Cpu<>>(draw, 13, 5);
  const auto x_there = sent(x), d_y_there = sent(d_y);
  const CpuContext cpu{.threads = 1};

  Matrix<double, Cpu<>> y(13, 5), d_x(13, 3);
  auto y_there = Matrix<double, A>::uninitialized(context, 13, 5), d_x_there = Matrix<double, A>::zeros(context, 13, 3);
  Cpu<>::grouped_product(cpu, x, w, offsets, y.view());
  A::grouped_product(context, x_there, w_there, offsets, y_there.view());
  CHECK(relative_deviation(values_of(y), fetched(y_there)) < 1e-14);
  Cpu<>::add_grouped_product_back(cpu, d_y, w, offsets, d_x.view());
  A::add_grouped_product_back(context, d_y_there, w_there, offsets, d_x_there.view());
  CHECK(relative_deviation(values_of(d_x), fetched(d_x_there)) < 1e-14);

  // The third weight does not train.
  std::vector<Matrix<double, Cpu<>>> slopes(6);
  std::vector<Matrix<double, A>> slopes_there(6);
  std::vector<View<double, Cpu<>>> d_w(6);
  std::vector<View<double, A>> d_w_there(6);
  for (std::size_t g = 0; g < 6; ++g) {
    if (g == 2) continue;
    slopes[g] = random_matrix<double, Cpu<>>(draw, 5, 3);
    slopes_there[g] = sent(slopes[g]);
    d_w[g] = slopes[g].view();
    d_w_there[g] = slopes_there[g].view();
  }
  Cpu<>::grouped_weight_gradient<double>(cpu, d_y, x, offsets, d_w);
  A::grouped_weight_gradient<double>(context, d_y_there, x_there, offsets, d_w_there);
  for (std::size_t g = 0; g < 6; ++g)
    CHECK(relative_deviation(values_of(slopes[g]), {fetched(slopes_there[g])}) < 1e-14);
}

TEST_CASE("column sums and sums of squares", "[accelerator]") {
  Draw draw("sums");
  for (const Index rows : {0, 1, 63, 65, 5000}) {
    const auto x = random_matrix<double, Cpu<>>(draw, rows, 3);
    auto sums = random_matrix<double, Cpu<>>(draw, 1, 3);
    auto sums_there = sent(sums);
    const auto x_there = sent(x);
    double squares = 0;
    for (Index r = 0; r < rows; ++r)
      for (Index c = 0; c < 3; ++c) sums.data()[c] += x.view()(r, c), squares += x.view()(r, c) * x.view()(r, c);
    A::add_column_sums(context, x_there, sums_there.view());
    CHECK(relative_deviation(values_of(sums), fetched(sums_there)) < 1e-13);
    CHECK(A::sum_of_squares(context, x_there.view()) == Catch::Approx(squares).epsilon(1e-13));
  }
}

TEST_CASE("a step of AdamW is the CPU's", "[accelerator]") {
  Draw draw("adamw");
  const AdamWPace<double> pace{0.5, 0.9, 0.95, 0.1, 0.05, 1e-2, 1.3, 1e-8, 0.999};
  Matrix<double, Cpu<>> w = random_matrix<double, Cpu<>>(draw, 1, 100), m = random_matrix<double, Cpu<>>(draw, 1, 100),
                        v = random_matrix<double, Cpu<>>(draw, 1, 100), g = random_matrix<double, Cpu<>>(draw, 1, 100);
  for (Index i = 0; i < 100; ++i) v.data()[i] *= v.data()[i];
  auto w_there = sent(w), m_there = sent(m), v_there = sent(v);
  const auto g_there = sent(g);
  Cpu<>::adamw(CpuContext{.threads = 1}, 100, pace, g.data(), w.data(), m.data(), v.data());
  A::adamw(context, 100, pace, g_there.data(), w_there.data(), m_there.data(), v_there.data());
  CHECK(relative_deviation(values_of(w), fetched(w_there)) < 1e-15);
  CHECK(relative_deviation(values_of(m), fetched(m_there)) < 1e-15);
  CHECK(relative_deviation(values_of(v), fetched(v_there)) < 1e-15);
}

TEST_CASE("experts choose rows as on the CPU, compared or sorted, ties and NaN among them", "[accelerator]") {
  const CpuContext cpu{.threads = 1};
  for (std::uint32_t i = 0; i < 60; ++i) {
    Draw draw("top rows", i);
    // From compared_rows on, rows are sorted.
    const Index rows = i < 50 ? draw.between(0, 40) : A::compared_rows + draw.between(-1, 2),
                experts = draw.between(1, 5), take = draw.between(0, rows);
    auto scores = random_matrix<float, Cpu<>>(draw, rows, experts);
    for (Index c = 0; c < scores.size(); ++c) {
      if (draw.one_in(2)) scores.data()[c] = static_cast<float>(draw.between(-1, 1));
      if (draw.one_in(9)) scores.data()[c] = draw.one_in(2) ? std::numeric_limits<float>::quiet_NaN() : -0.0f;
    }
    Matrix<Rank, Cpu<>> chosen(rows, experts);
    Matrix<float, Cpu<>> boundary(1, experts);
    Cpu<>::top_rows(cpu, scores, take, chosen.view(), boundary.view());
    auto chosen_there = Matrix<Rank, A>::uninitialized(context, rows, experts);
    auto boundary_there = Matrix<float, A>::uninitialized(context, 1, experts);
    const auto scores_there = sent(scores);
    A::top_rows(context, scores_there, take, chosen_there.view(), boundary_there.view());
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    CHECK(fetched(chosen_there) == listed(chosen));
    const auto boundaries = fetched(boundary_there);
    for (Index e = 0; e < experts && rows > 0; ++e) {
      const float a = boundary.data()[e], b = boundaries[static_cast<std::size_t>(e)];
      CHECK((a == b || (a != a && b != b)));
    }
  }
}

#ifndef MOE_SLOW_BUILD
// Lanes switch stacks, which sanitizers take for an error.
TEST_CASE("rows that lanes share are chosen and weighed as by one thread", "[accelerator]") {
  using Warps = EmulatedWarps<8>;
  const Warps::Context lanes;
  for (std::uint32_t i = 0; i < 60; ++i) {
    Draw draw("lanes choose", i);
    const Index rows = draw.between(1, 4), experts = draw.between(1, 20);
    auto logits = random_matrix<double, Cpu<>>(draw, rows, experts);
    for (Index c = 0; c < logits.size(); ++c) {
      if (draw.one_in(2)) logits.data()[c] = static_cast<double>(draw.between(-1, 1));
      if (draw.one_in(9)) logits.data()[c] = draw.one_in(2) ? std::numeric_limits<double>::quiet_NaN() : -0.0;
    }
    auto logits_there = Matrix<double, Warps>::uninitialized(lanes, rows, experts);
    Warps::upload(lanes, logits.data(), logits_there.view());
    const SharedTopK router{.k = draw.between(1, 5), .shared = draw.between(-1, experts - 1)};
    Matrix<Rank, Cpu<>> chosen(rows, experts);
    Matrix<double, Cpu<>> gates(rows, experts);
    auto chosen_there = Matrix<Rank, Warps>::uninitialized(lanes, rows, experts);
    choose_by_logits<double, Warps>(lanes, router, std::as_const(logits_there).view(), chosen_there.view());
    for (Index r = 0; r < rows; ++r) {
      router.choose(std::as_const(logits).view().row(r), chosen.view().row(r));
      SoftmaxOverChosen{}.normalize(std::as_const(logits).view().row(r), std::as_const(chosen).view().row(r),
                                    gates.view().row(r));
    }
    std::vector<Rank> ranks(static_cast<std::size_t>(chosen.size()));
    Warps::download(lanes, std::as_const(chosen_there).view(), ranks.data());
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    CHECK(ranks == listed(chosen));
    const auto gates_there = normalize<double, Warps>(lanes, SoftmaxOverChosen{}, std::as_const(logits_there).view(),
                                                      std::as_const(chosen_there).view());
    std::vector<double> weights(ranks.size());
    Warps::download(lanes, gates_there.view(), weights.data());
    for (std::size_t c = 0; c < weights.size(); ++c) {
      const double expected = gates.data()[c];
      CHECK(((std::isnan(expected) && std::isnan(weights[c])) || std::abs(weights[c] - expected) < 1e-14));
    }
  }
}
#endif

TEST_CASE("capacities drop, and pairs are grouped, as on the CPU", "[accelerator]") {
  const CpuContext cpu{.threads = 1};
  for (std::uint32_t i = 0; i < 200; ++i) {
    Draw draw("drop and group", i);
    const Index rows = draw.between(0, 30), experts = draw.between(1, 6), take = draw.between(0, rows + 2);
    Matrix<Rank, Cpu<>> chosen(rows, experts);
    for (Index c = 0; c < chosen.size(); ++c)
      chosen.data()[c] = static_cast<Rank>(std::max<Index>(0, draw.between(-2, 3)));
    auto chosen_there = sent(chosen);
    Matrix<Index, Cpu<>> dropped(1, experts);
    auto dropped_there = Matrix<Index, A>::uninitialized(context, 1, experts);
    Cpu<>::drop_over(cpu, take, chosen.view(), dropped.view());
    A::drop_over(context, take, chosen_there.view(), dropped_there.view());
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    CHECK(fetched(chosen_there) == listed(chosen));
    CHECK(fetched(dropped_there) == listed(dropped));

    const auto plan = Cpu<>::group_by_expert(cpu, std::as_const(chosen).view());
    const auto plan_there = A::group_by_expert(context, std::as_const(chosen_there).view());
    CHECK(plan_there.offsets == plan.offsets);
    CHECK(fetched(plan_there.rows_1N) == listed(plan.rows_1N));
    CHECK(fetched(plan_there.experts_1N) == listed(plan.experts_1N));
    CHECK(fetched(plan_there.pair_begin_1T) == listed(plan.pair_begin_1T));
    CHECK(fetched(plan_there.pairs_1N) == listed(plan.pairs_1N));
  }
}

TEST_CASE("a choice that is not what was foretold is found out", "[accelerator]") {
  const Matrix<Rank, Cpu<>> chosen = [] {
    Matrix<Rank, Cpu<>> all(10, 3);
    for (Index t = 0; t < 10; ++t) all.view()(t, 0) = 1, all.view()(t, 2) = 2;
    return all;
  }();
  const auto chosen_there = sent(chosen);
  const auto grouped = [&](const Foreseen& foreseen) {
    const auto view = std::as_const(chosen_there).view();
    return A::finish_grouping(context, view, A::begin_grouping(context, view, foreseen));
  };
  auto less = grouped({10, {}}), elsewhere = grouped({20, {5, GroupOffsets::unknown, GroupOffsets::unknown}});
  CHECK_THROWS_WITH(less.complete(), "[Plan] the router foretold 10 pairs before expert 3, it chose 20");
  CHECK_THROWS_WITH(elsewhere.complete(), "[Plan] the router foretold 5 pairs before expert 1, it chose 10");
  auto right = grouped({20, {10, GroupOffsets::unknown, GroupOffsets::unknown}});
  CHECK(right.pairs() == 20);
  CHECK_FALSE(right.is_complete);
  right.complete();
  CHECK(right.offsets == std::vector<Index>{0, 10, 10, 20});
}

TEST_CASE("the host that reads the device's memory is stopped", "[accelerator]") {
  // What all the other tests rest on: that nobody reads it unnoticed.
  const auto x = Matrix<float, A>::zeros(context, 1, 1);
  CHECK(DeviceMemory::get().owns(x.data()));
  CHECK(DeviceMemory::get().is_closed());
}
