/// Routers as a user would write them, in a TokenMoE.
#include <cmath>

#include "support/catch.hpp"
#include "support/compositions.hpp"
#include "support/tolerance.hpp"

namespace own_router_test {

namespace {

/// Selects every expert whose probability exceeds `threshold`, and always the best one.
struct ThresholdRouter {
  float threshold = 0.2f;
  template <class Real>
  MOE_HOST_DEVICE void choose(moe::Row<const Real> logits_E, moe::Row<moe::ChoiceOrder> chosen_E) const {
    const Real best = max(logits_E), total = sum_exp(logits_E, best);
    for (int e = 0; e < logits_E.size; ++e)
      chosen_E[e] = logits_E[e] == best || std::exp(logits_E[e] - best) > static_cast<Real>(threshold) * total;
  }
};

/// Selects the expert that the token id hashes to.
struct HashRouter {
  template <class Real>
  MOE_HOST_DEVICE void choose(moe::Row<const Real>, moe::Row<moe::ChoiceOrder> chosen_E,
                              moe::RowContext<Real> row) const {
    for (moe::ChoiceOrder& order : chosen_E) order = 0;
    const auto hash = moe::random_words({.seed = 1}, static_cast<std::uint64_t>(row.token));
    chosen_E[hash[0] % static_cast<std::uint32_t>(chosen_E.size)] = 1;
  }
};

}  // namespace

using namespace moe;
using namespace moe::testing;

TEST_CASE("a user's threshold router selects the same experts in training and inference", "[layers]") {
  const CpuContext context;
  TokenMoE layer(ThresholdRouter{.threshold = 0.3f}, SoftmaxOverChosen{}, Unlimited{},
                 ExpertBank<Ffn<double>>(4, 5, 6));
  STATIC_REQUIRE(decltype(layer)::is_causal);
  Draw draw("threshold router");
  randomize(draw, layer);
  const auto x = random_matrix<double, Cpu<>>(draw, 50, 5);
  const auto run = layer.forward(context, x, Batch::single(50));

  // The reference: the same rule in plain loops over its own softmax.
  reference::Level level;
  level.gate = rows_of(layer.routing.gate.weight);
  for (const auto& expert : layer.bank.experts) level.experts.push_back(ffn_of(expert));
  reference::Decided decided;
  Index alone = 0, several = 0;
  for (const auto& row : rows_of(x)) {
    const auto z = reference::product(level.gate, row);
    const auto s = reference::softmax(z, std::vector<bool>(4, true));
    std::vector<bool> chosen;
    for (std::size_t e = 0; e < 4; ++e) chosen.push_back(s[e] > 0.3f || z[e] == *std::max_element(z.begin(), z.end()));
    (std::count(chosen.begin(), chosen.end(), true) > 1 ? several : alone) += 1;
    decided.gates.push_back(reference::softmax(z, chosen));
    decided.chosen.push_back(chosen);
    decided.kept.push_back(chosen);
  }
  CHECK(alone > 0);
  CHECK(several > 0);
  const auto expected = flat(reference::mix(level, rows_of(x), decided));
  CHECK(nmse(expected, values_of(run.output)) <= Tolerance<double>::nmse);
  CHECK(nmse(expected, values_of(layer.infer(context, x, Batch::single(50)))) <= Tolerance<double>::nmse);
}

TEST_CASE("a user's hash router reads token ids, in a batch and in decoding", "[layers]") {
  const CpuContext context;
  TokenMoE layer(HashRouter{}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<Ffn<double>>(3, 4, 5));
  Draw draw("hash router");
  randomize(draw, layer);
  const auto x = random_matrix<double, Cpu<>>(draw, 30, 4);
  std::vector<std::int32_t> tokens(30);
  for (std::int32_t& token : tokens) token = static_cast<std::int32_t>(draw.between(0, 9));
  Batch batch = Batch::single(30);
  batch.tokens = tokens;
  const auto run = layer.forward(context, x, batch);
  const auto& plan = run.saved.experts.route.plan;
  std::vector<Index> expert_of(10, -1);
  for (Index n = 0; n < plan.pairs(); ++n) {
    Index& expert = expert_of[static_cast<std::size_t>(tokens[static_cast<std::size_t>(plan.rows_1N.data()[n])])];
    CHECK((expert == -1 || expert == plan.experts_1N.data()[n]));
    expert = plan.experts_1N.data()[n];
  }
  CHECK(plan.pairs() == 30);
  const auto load = run.stats.load;
  CHECK(std::count(load.begin(), load.end(), 0) < 2);

  const auto whole = layer.infer(context, x, batch);
  auto state = layer.begin_decoding(context, 1);
  for (Index t = 0; t < 30; ++t) {
    const auto y =
        layer.decode(context, x.view().rows_between(t, t + 1), {&tokens[static_cast<std::size_t>(t)], 1}, state);
    CHECK(relative_deviation(values_of(whole.view().rows_between(t, t + 1)), values_of(y)) <=
          Tolerance<double>::relative);
  }
}

}  // namespace own_router_test
