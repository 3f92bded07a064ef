#include "moe/routing/steps/choose.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/routing/capacity/segment_capacity.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/router/expert_choice.hpp"
#include "moe/routing/router/top_k.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/rows.hpp"

namespace choose_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using ConstView = View<const double, B>;
const CpuContext context{.threads = 2, .layer = 7};
const StepKey key{.seed = 5, .step = 6};

/// Writes the fields of its row context as choice orders.
struct Witness {
  template <class Real>
  void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E, RandomRowContext<Real> row) const {
    chosen_E[0] = static_cast<ChoiceOrder>(row.row);
    chosen_E[1] = row.token;
    chosen_E[2] = row.language;
    chosen_E[3] = static_cast<ChoiceOrder>(row.random.seed * 100 + row.random.step * 10 + row.random.layer);
    chosen_E[4] = row.buffer_E.size == 0 ? -1 : static_cast<ChoiceOrder>(row.buffer_E[1]);
    chosen_E[5] = static_cast<ChoiceOrder>(logits_E[0]);
  }
};
struct Greedy {
  Index rows_per_expert(Demand demand) const { return demand.rows + 7; }
};
struct Negative {
  Index rows_per_expert(Demand) const { return -3; }
};

template <class R, class C>
Choice<double, B> choose_all(const R& router, const C& capacity, const Matrix<double, B>& z, ConstView buffer = {},
                             RowInfo facts = {{}, {}, key}) {
  return route<double, B>(context, router, capacity, z.view(), buffer, facts);
}

}  // namespace

TEST_CASE("a row router is called with each row alone", "[ops]") {
  Draw draw("route");
  const auto z = random_matrix<double, B>(draw, 100, 6);
  const auto choice = choose_all(TopK{.k = 3}, Unlimited{}, z);
  CHECK(choice.boundary_1E.empty());
  for (Index r = 0; r < 100; ++r) {
    const auto orders = choose(TopK{.k = 3}, std::vector<double>(z.view().row(r).begin(), z.view().row(r).end()));
    for (Index e = 0; e < 6; ++e) CHECK(choice.chosen_RE.view()(r, e) == orders[static_cast<std::size_t>(e)]);
  }
}

TEST_CASE("a router can read row, token, language, random key and the layer's buffer", "[ops]") {
  Matrix<double, B> z(40, 6);
  for (Index r = 0; r < 40; ++r) z.view()(r, 0) = static_cast<double>(3 * r);
  std::vector<std::int32_t> tokens(40), languages(40);
  for (std::size_t r = 0; r < 40; ++r) {
    tokens[r] = static_cast<std::int32_t>(1000 + r);
    languages[r] = static_cast<std::int32_t>(r % 6);
  }
  const std::vector<double> buffer = {0, 8, 0, 0, 0, 0};
  const auto choice = choose_all(Witness{}, Unlimited{}, z, {buffer.data(), 1, 6}, {tokens, languages, key});
  const auto silent = choose_all(Witness{}, Unlimited{}, z);
  for (Index r = 0; r < 40; ++r) {
    const auto told = choice.chosen_RE.view().row(r), untold = silent.chosen_RE.view().row(r);
    CHECK(std::vector<ChoiceOrder>(told.begin(), told.end()) ==
          std::vector<ChoiceOrder>{static_cast<ChoiceOrder>(r), static_cast<ChoiceOrder>(1000 + r),
                                   static_cast<ChoiceOrder>(r % 6), 567, 8, static_cast<ChoiceOrder>(3 * r)});
    CHECK(std::vector<ChoiceOrder>(untold.begin(), untold.end()) ==
          std::vector<ChoiceOrder>{static_cast<ChoiceOrder>(r), -1, -1, 567, -1, static_cast<ChoiceOrder>(3 * r)});
  }
}

TEST_CASE("ExpertChoice selects the golden segments", "[ops][golden]") {
  Matrix<double, B> z(6, 3);
  const std::vector<double> values = {2, 0, 1, 0, 1, 0, 1, 1, 1, 3, -1, 0, 0, 2, 1, -1, 0, 2};
  std::copy(values.begin(), values.end(), z.data());
  const auto choice = choose_all(ExpertChoice{}, SegmentCapacity{.factor = 1}, z);
  const std::vector<std::vector<Index>> chosen = {{3, 0}, {4, 1}, {5, 2}};
  const std::vector<std::vector<double>> scores = {{.93624, .665241}, {.665241, .576117}, {.843795, .333333}};
  for (Index e = 0; e < 3; ++e) {
    const auto at = static_cast<std::size_t>(e);
    for (Index v = 0; v < 6; ++v) {
      const ChoiceOrder expected = v == chosen[at][0] ? 1 : v == chosen[at][1] ? 2 : 0;
      CHECK(choice.chosen_RE.view()(v, e) == expected);
    }
    for (std::size_t j = 0; j < 2; ++j) {
      std::vector<double> s(3);
      softmax<double>(z.const_view().row(chosen[at][j]), row(s));
      CHECK(std::abs(s[at] - scores[at][j]) < 5e-6);
    }
  }
}

TEST_CASE("an expert takes between 0 and all rows, whatever the capacity", "[ops]") {
  Draw draw("take");
  for (const Index rows : {0, 1, 5}) {
    const auto z = random_matrix<double, B>(draw, rows, 3);
    const auto all = choose_all(ExpertChoice{}, Greedy{}, z), none = choose_all(ExpertChoice{}, Negative{}, z);
    for (Index e = 0; e < 3; ++e) {
      Index taken = 0, left = 0;
      for (Index r = 0; r < rows; ++r) {
        taken += all.chosen_RE.view()(r, e) != 0;
        left += none.chosen_RE.view()(r, e) == 0;
      }
      CHECK(taken == rows);
      CHECK(left == rows);
      CHECK(none.boundary_1E.data()[e] == 1);
    }
  }
}

}  // namespace choose_test
