#include "moe/routing/steps/balance_loss.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/routing/balance/balance_over_all.hpp"
#include "moe/routing/balance/balance_over_routed.hpp"
#include "moe/routing/balance/gate_sparsity.hpp"
#include "moe/routing/balance/sequence_balance.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace balance_loss_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

Matrix<double, B> matrix(Index rows, Index cols, const std::vector<double>& values) {
  Matrix<double, B> m(rows, cols);
  std::copy(values.begin(), values.end(), m.data());
  return m;
}
std::vector<Index> choices_of(Index rows, Index experts, const std::vector<ChoiceOrder>& chosen) {
  std::vector<Index> choices(static_cast<std::size_t>(experts));
  for (Index i = 0; i < rows * experts; ++i)
    choices[static_cast<std::size_t>(i % experts)] += chosen[static_cast<std::size_t>(i)] != 0;
  return choices;
}
template <class Bal>
double loss_of(const Bal& balance, const Matrix<double, B>& z, const std::vector<Index>& choices) {
  return balance_loss<double, B>(context, balance, z.view(), choices).loss;
}

/// DeepSeek-V3's p over the whole batch.
struct OverAllOfSigmoids {
  bool counts(Index expert) const { return of_sequences.counts(expert); }
  void score(Row<const double> logits_E, Row<double> p_E) const { of_sequences.score(logits_E, p_E); }
  void score(Row<const float> logits_E, Row<float> p_E) const { of_sequences.score(logits_E, p_E); }
  template <class Real>
  void score_backward(Row<const Real> logits_E, Row<const Real> p_E, Row<const Real> f_E, Real scale,
                      Row<Real> d_logits_E) const {
    of_sequences.score_backward(logits_E, p_E, f_E, scale, d_logits_E);
  }
  SequenceBalance of_sequences;
};

const Matrix<double, B> golden_z = matrix(3, 4, {1, 2, 0, -1, 0, 0, 3, 1, 2, -1, -1, .5});
const std::vector<ChoiceOrder> golden_chosen = {1, 2, 0, 0, 1, 0, 2, 0, 1, 0, 0, 2};

}  // namespace

TEST_CASE("the balance loss matches the golden value", "[ops][golden]") {
  const auto choices = choices_of(3, 4, golden_chosen);
  const auto result = balance_loss<double, B>(context, BalanceOverAll{}, golden_z.view(), choices);
  CHECK(std::abs(result.loss - 1.125878) < 5e-7);
  const std::vector<double> f = {.5, .166667, .166667, .166667};
  for (std::size_t e = 0; e < 4; ++e) CHECK(std::abs(result.shares.f_GE.data()[e] - f[e]) < 5e-7);
}

TEST_CASE("a uniform batch has loss 1", "[ops]") {
  const Matrix<double, B> z(4, 4);
  CHECK(loss_of(BalanceOverAll{}, z, choices_of(4, 4, {1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1})) ==
        Catch::Approx(1).epsilon(1e-14));
}

TEST_CASE("the balance loss over routed experts does not depend on the shared expert", "[ops]") {
  const auto choices = choices_of(3, 4, golden_chosen);
  const BalanceOverRouted routed{.shared = 0};
  auto z = golden_z.copy();
  const double loss = loss_of(routed, z, choices);
  // The same loss over the other three experts alone.
  CHECK(loss == Catch::Approx(loss_of(BalanceOverAll{}, matrix(3, 3, {2, 0, -1, 0, 3, 1, -1, -1, .5}),
                                      choices_of(3, 3, {1, 0, 0, 0, 1, 0, 0, 0, 1})))
                    .epsilon(1e-14));
  for (Index t = 0; t < 3; ++t) z.view()(t, 0) += 5;
  CHECK(loss_of(routed, z, choices) == loss);
}

TEST_CASE("the balance loss is 0 without rows or choices", "[ops]") {
  CHECK(loss_of(BalanceOverAll{}, Matrix<double, B>(0, 4), choices_of(0, 4, {})) == 0);
  CHECK(loss_of(BalanceOverAll{}, golden_z, choices_of(3, 4, std::vector<ChoiceOrder>(12, 0))) == 0);
  CHECK(loss_of(BalanceOverRouted{.shared = 0}, Matrix<double, B>(3, 1), choices_of(3, 1, {1, 1, 1})) == 0);
}

TEMPLATE_TEST_CASE("the balance loss's gradient is added to the logits' and matches central differences",
                   "[ops][gradient]", BalanceOverAll, BalanceOverRouted, GateSparsity, OverAllOfSigmoids) {
  Draw draw("balance");
  auto z = random_matrix<double, B>(draw, 40, 4);
  std::vector<ChoiceOrder> chosen(160);
  for (ChoiceOrder& order : chosen) order = static_cast<ChoiceOrder>(draw.between(0, 1));
  const auto choices = choices_of(40, 4, chosen);
  const TestType balance{};
  const auto result = balance_loss<double, B>(context, balance, z.view(), choices);
  auto d_z = random_matrix<double, B>(draw, 40, 4);
  const auto before = d_z.copy();
  add_balance_loss_backward<double, B>(context, balance, z.view(), result.shares, 2.5, {}, d_z.view());
  for (Index i = 0; i < d_z.size(); ++i) d_z.data()[i] -= before.data()[i];
  check_component_gradients(
      "logits", z, d_z, [&] { return 2.5 * loss_of(balance, z, choices); }, component_bar);
  const auto untouched = before.copy();
  auto target = before.copy();
  add_balance_loss_backward<double, B>(context, balance, z.view(), result.shares, 0, {}, target.view());
  CHECK(same_bits(target, untouched));
}

TEST_CASE("the sequence-level loss is the mean of the losses of the single sequences", "[ops][gradient]") {
  Draw draw("sequences");
  const Index experts = 4, rows = 19;
  const std::vector<Index> offsets = {0, 0, 7, 8, 8, 19};
  auto z = random_matrix<double, B>(draw, rows, experts);
  Matrix<ChoiceOrder, B> chosen(rows, experts);
  for (Index i = 0; i < chosen.size(); ++i) chosen.data()[i] = static_cast<ChoiceOrder>(draw.between(0, 2));
  const auto loss_and_shares = [&](View<const double, B> weight_1) {
    return sequence_balance_loss<double, B>(context, SequenceBalance{}, z.view(), chosen.const_view(), offsets,
                                            weight_1);
  };
  double expected = 0;
  for (std::size_t g = 0; g + 1 < offsets.size(); ++g) {
    const Index begin = offsets[g], length = offsets[g + 1] - begin;
    if (length == 0) continue;
    Matrix<double, B> alone(length, experts);
    std::copy_n(z.data() + begin * experts, alone.size(), alone.data());
    const auto choices =
        choices_of(length, experts, {chosen.data() + begin * experts, chosen.data() + (begin + length) * experts});
    expected += loss_of(OverAllOfSigmoids{}, alone, choices) / 3;
  }
  const auto result = loss_and_shares({});
  CHECK(result.shares.sequences == 3);
  CHECK(static_cast<double>(result.loss) == Catch::Approx(expected).epsilon(1e-13));

  Vector<double, B> weight(1);
  weight.data()[0] = 0.7;
  const auto weight_1 = weight.const_view();
  CHECK(static_cast<double>(loss_and_shares(weight_1).loss) == Catch::Approx(0.7 * expected).epsilon(1e-13));
  Matrix<double, B> d_z(rows, experts);
  add_balance_loss_backward<double, B>(context, SequenceBalance{}, z.view(), result.shares, 2.5, weight_1, d_z.view());
  check_component_gradients(
      "logits", z, d_z, [&] { return 2.5 * static_cast<double>(loss_and_shares(weight_1).loss); }, component_bar);

  const auto nothing = sequence_balance_loss<double, B>(context, SequenceBalance{}, Matrix<double, B>(0, 4).view(),
                                                        Matrix<ChoiceOrder, B>(0, 4).view(), std::vector<Index>{0, 0});
  CHECK(static_cast<double>(nothing.loss) == 0);
}

TEST_CASE("GateSparsity normalizes f by k choices per row", "[ops]") {
  const GateSparsity sparsity{.k = 2};
  // Mean gates 2/3, 2/3, 1, 1/2; counts 3, 1, 1, 1 of an expected 2 x 3: 4 (3 2/3 + 2/3 + 1 + 1/2) / 6.
  const auto z = matrix(3, 4, {1, 2, 0, -1, 0, 0, 3, 1, 1, -1, -1, .5});
  CHECK(loss_of(sparsity, z, choices_of(3, 4, golden_chosen)) ==
        Catch::Approx(4 * (3 * (2.0 / 3) + 2.0 / 3 + 1 + 0.5) / 6).epsilon(1e-14));
}

}  // namespace balance_loss_test
