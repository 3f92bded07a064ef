#include "moe/routing/router/quantile_choice.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/router/priced_top_k.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace quantile_choice_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

struct Chosen {
  Matrix<ChoiceOrder, B> ranks_RE;
  Matrix<double, B> prices_1E;
};
Chosen chosen_by(const QuantileChoice& router, const Matrix<double, B>& z_RE) {
  Chosen result{Matrix<ChoiceOrder, B>(z_RE.rows(), z_RE.cols()), Matrix<double, B>(1, z_RE.cols())};
  for (Index i = 0; i < result.ranks_RE.size(); ++i) result.ranks_RE.data()[i] = 99;
  router.choose<B, double>(context, z_RE.view(), 1, result.ranks_RE.view(), result.prices_1E.view());
  return result;
}

std::vector<Index> loads_of(const Matrix<ChoiceOrder, B>& ranks_RE) {
  std::vector<Index> load(static_cast<std::size_t>(ranks_RE.cols()), 0);
  for (Index r = 0; r < ranks_RE.rows(); ++r)
    for (Index e = 0; e < ranks_RE.cols(); ++e)
      if (ranks_RE.view()(r, e) != 0) ++load[static_cast<std::size_t>(e)];
  return load;
}
Index spread(const std::vector<Index>& load) {
  const auto [least, most] = std::minmax_element(load.begin(), load.end());
  return *most - *least;
}

/// Logits for which nearly all rows prefer experts 0 and 1.
Matrix<double, B> skewed_logits(Draw& draw, Index rows, Index experts) {
  auto z = random_matrix<double, B>(draw, rows, experts);
  for (Index r = 0; r < rows; ++r) z.view()(r, 0) += 4, z.view()(r, 1) += 2;
  return z;
}

/// The rule by sorting, in plain loops.
std::vector<double> sorted_prices(const Matrix<double, B>& z_RE, std::size_t k, int rounds) {
  const auto rows = static_cast<std::size_t>(z_RE.rows()), experts = static_cast<std::size_t>(z_RE.cols());
  const auto z = [&](std::size_t r, std::size_t e) {
    return z_RE.view()(static_cast<Index>(r), static_cast<Index>(e));
  };
  std::vector<double> prices(experts, 0), without(rows);
  for (int round = 0; round < rounds; ++round) {
    for (std::size_t r = 0; r < rows; ++r) {
      std::vector<double> worth;
      for (std::size_t e = 0; e < experts; ++e) worth.push_back(z(r, e) - prices[e]);
      std::sort(worth.begin(), worth.end(), std::greater<>());
      without[r] = worth[k];
    }
    for (std::size_t e = 0; e < experts; ++e) {
      std::vector<double> ahead;
      for (std::size_t r = 0; r < rows; ++r) ahead.push_back(z(r, e) - without[r]);
      std::sort(ahead.begin(), ahead.end(), std::greater<>());
      const std::size_t share = rows * k / experts;
      prices[e] = (ahead[share - 1] + ahead[share]) / 2;
    }
  }
  return prices;
}

}  // namespace

TEST_CASE("prices are quantiles of the rows' margins for an expert, and match sorting", "[policies]") {
  for (std::uint32_t i = 0; i < 40; ++i) {
    Draw draw("quantiles", i);
    const Index experts = draw.between(2, 7), k = draw.between(1, experts - 1), rows = draw.between(experts, 40);
    const auto z = skewed_logits(draw, rows, experts);
    const Index rounds = draw.between(1, 5);
    const auto [ranks_RE, prices_1E] = chosen_by({.k = k, .rounds = rounds}, z);
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    const auto expected = sorted_prices(z, static_cast<std::size_t>(k), static_cast<int>(rounds));
    CHECK(relative_deviation(expected, values_of(prices_1E)) < 1e-13);
    for (Index r = 0; r < rows; ++r) {
      std::vector<std::pair<double, Index>> order;
      for (Index e = 0; e < experts; ++e) order.emplace_back(prices_1E.data()[e] - z.view()(r, e), e);
      std::sort(order.begin(), order.end());
      for (Index place = 0; place < experts; ++place)
        CHECK(ranks_RE.view()(r, order[static_cast<std::size_t>(place)].second) == (place < k ? place + 1 : 0));
    }
  }
}

TEST_CASE("more rounds give a more even load", "[policies]") {
  Draw draw("even loads");
  const auto z = skewed_logits(draw, 1000, 8);
  const auto spread_after = [&](Index rounds) {
    return spread(loads_of(chosen_by({.k = 2, .rounds = rounds}, z).ranks_RE));
  };
  CHECK(spread_after(0) > 900);
  CHECK(spread_after(1) < 100);
  CHECK(spread_after(4) < 30);
  CHECK(spread_after(64) <= 2);
}

TEST_CASE("each row selects k experts, or all, in any batch", "[policies]") {
  Draw draw("edges");
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const Index k : {0, 1, 3, 4, 9})
    for (const Index rows : {0, 1, 2, 13}) {
      auto z = random_matrix<double, B>(draw, rows, 4);
      if (rows == 13) {
        z.view()(0, 0) = nan;
        for (Index e = 0; e < 4; ++e) z.view()(12, e) = nan;
      }
      const QuantileChoice router{.k = k};
      const auto [ranks_RE, prices_1E] = chosen_by(router, z);
      Index chosen = 0;
      for (const Index load : loads_of(ranks_RE)) chosen += load;
      INFO("k " << k << ", rows " << rows);
      CHECK(chosen == rows * router.choices(4));
      for (Index e = 0; e < 4; ++e) CHECK(prices_1E.data()[e] == prices_1E.data()[e]);
    }
}

TEST_CASE("inference with the prices learned in training has even loads too", "[policies][layers]") {
  using Ffn = SwiGlu<double, B>;
  TokenMoE<TrainInfer<QuantileChoice, PricedTopK>, SoftmaxOverChosen, Unlimited, Ffn> layer(
      {.train = {.k = 2}, .infer = {.k = 2, .beta = 0.9}}, {}, {}, ExpertBank<Ffn>(6, 4, 3));
  Draw draw("learned prices");
  randomize(draw, layer);
  const auto rows = [&] {
    auto x_TD = random_matrix<double, B>(draw, 300, 4);
    // A component that all rows share makes most rows select the same experts.
    for (Index t = 0; t < 300; ++t) x_TD.view()(t, 0) += 3;
    return x_TD;
  };
  const auto inference_spread = [&] {
    const auto x_TD = rows();
    return spread(loads_of(layer.routing.template decide<Inference>(context, x_TD, {}).choice.chosen_RE));
  };
  const Index before = inference_spread();
  CHECK(before > 100);
  for (int step = 0; step < 20; ++step) {
    const auto x_TD = rows();
    layer.update_buffers(context, layer.forward(context, x_TD, Batch::single(300)).stats);
  }
  CHECK(inference_spread() < before / 3);
}

}  // namespace quantile_choice_test
