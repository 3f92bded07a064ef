#include "moe/routing/steps/noisy_logits.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "moe/routing/router/top_k.hpp"
#include "moe/routing/steps/choose.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace noisy_logits_test {

using namespace moe;
using namespace moe::testing;

namespace {

constexpr Index rows = 8, experts = 5;
const CpuContext context{.threads = 1};
const RandomKey key{.seed = 5, .step = 3, .layer = 1};

/// Noisy logits and choices of random clean logits and deviations.
struct Drawn {
  Tensor clean_TE, n_TE, noisy_TE;
  Matrix<ChoiceOrder, Cpu<>> chosen_TE{rows, experts};

  explicit Drawn(Index k) {
    Draw draw("noisy logits");
    clean_TE = random_matrix<double, Cpu<>>(draw, rows, experts);
    n_TE = random_matrix<double, Cpu<>>(draw, rows, experts);
    choose(k);
  }
  void choose(Index k) {
    noisy_TE = noisy_logits<double, Cpu<>>(context, view(clean_TE), view(n_TE), key);
    choose_by_logits<double, Cpu<>>(context, TopK{k}, view(noisy_TE), chosen_TE.view());
  }
  Tensor probabilities() const {
    return choice_probabilities<double, Cpu<>>(context, view(clean_TE), view(n_TE), view(noisy_TE), chosen_TE.view());
  }
  static View<const double, Cpu<>> view(const Tensor& m) { return m.view(); }
};

double softplus(double n) { return std::log(1 + std::exp(n)); }

}  // namespace

TEST_CASE("the noise is a normal number drawn by the key times the deviation", "[routing]") {
  const Drawn drawn(2);
  for (Index t = 0; t < rows; ++t)
    for (Index e = 0; e < experts; ++e) {
      const double eps = random_normal(key, static_cast<std::uint64_t>(t * experts + e));
      CHECK(drawn.noisy_TE.view()(t, e) ==
            Catch::Approx(drawn.clean_TE.view()(t, e) + eps * softplus(drawn.n_TE.view()(t, e))));
    }
}

TEST_CASE("the noise deviation is positive and finite for any output of the noise matrix", "[routing]") {
  CHECK(NoiseDeviation::of(0.0) == Catch::Approx(std::log(2.0)));
  CHECK(NoiseDeviation::slope(0.0) == 0.5);
  CHECK(NoiseDeviation::of(800.0) == 800);
  CHECK(NoiseDeviation::slope(800.0) == 1);
  CHECK(NoiseDeviation::of(-800.0f) == static_cast<float>(NoiseDeviation::least));
  CHECK(NoiseDeviation::slope(-800.0f) == 0);
  CHECK(std::isnan(NoiseDeviation::of(std::nan(""))));
}

TEST_CASE("P is the probability of selecting the expert if only its own noise is drawn again", "[routing]") {
  constexpr int draws = 40'000;
  for (const Index k : {1, 2, 4}) {
    const Drawn drawn(k);
    const Tensor p_TE = drawn.probabilities();
    std::uint64_t next = 0;
    for (Index t = 0; t < rows; ++t)
      for (Index e = 0; e < experts; ++e) {
        INFO("k " << k << ", row " << t << ", expert " << e);
        int chosen = 0;
        for (int i = 0; i < draws; ++i) {
          const double h =
              drawn.clean_TE.view()(t, e) + random_normal({.seed = 77}, next++) * softplus(drawn.n_TE.view()(t, e));
          Index above = 0;
          for (Index other = 0; other < experts; ++other) above += other != e && drawn.noisy_TE.view()(t, other) > h;
          chosen += above < k;
        }
        const double p = p_TE.view()(t, e);
        CHECK(std::abs(chosen / double{draws} - p) <= 5 * std::sqrt(p * (1 - p) / draws) + 1e-3);
      }
  }
}

TEST_CASE("P is 1 and has no gradient if every expert is selected", "[routing]") {
  const Drawn drawn(experts);
  const Tensor p_TE = drawn.probabilities();
  for (Index i = 0; i < p_TE.size(); ++i) CHECK(p_TE.data()[i] == 1);
  Tensor slopes_1E(1, experts), d_noisy_TE(rows, experts), d_clean_TE(rows, experts), d_n_TE(rows, experts);
  for (Index e = 0; e < experts; ++e) slopes_1E.data()[e] = 1;
  noisy_logits_backward<double, Cpu<>>(context, Drawn::view(drawn.clean_TE), Drawn::view(drawn.n_TE),
                                       Drawn::view(drawn.noisy_TE), drawn.chosen_TE.view(), key, 1,
                                       Drawn::view(slopes_1E), d_noisy_TE.view(), d_clean_TE.view(), d_n_TE.view());
  for (Index i = 0; i < d_clean_TE.size(); ++i) CHECK(d_clean_TE.data()[i] == 0);
  for (Index i = 0; i < d_n_TE.size(); ++i) CHECK(d_n_TE.data()[i] == 0);
}

TEST_CASE("gradients of noisy logits and of P match central differences", "[routing][gradient]") {
  for (const Index k : {1, 3}) {
    INFO("k " << k);
    Drawn drawn(k);
    Draw draw("noisy logits' gradients");
    const Tensor c_TE = random_matrix<double, Cpu<>>(draw, rows, experts);
    const Tensor slopes_1E = random_matrix<double, Cpu<>>(draw, 1, experts);
    // The finite-difference steps are too small to change a choice; the thresholds are logits and move with them.
    const auto loss = [&] {
      drawn.choose(k);
      const Tensor p_TE = drawn.probabilities();
      double sum = inner(c_TE, drawn.noisy_TE);
      for (Index t = 0; t < rows; ++t)
        for (Index e = 0; e < experts; ++e) sum += 1.3 * slopes_1E.data()[e] * p_TE.view()(t, e);
      return sum;
    };
    Tensor d_noisy_TE = c_TE.copy(), d_clean_TE(rows, experts), d_n_TE(rows, experts);
    noisy_logits_backward<double, Cpu<>>(context, Drawn::view(drawn.clean_TE), Drawn::view(drawn.n_TE),
                                         Drawn::view(drawn.noisy_TE), drawn.chosen_TE.view(), key, 1.3,
                                         Drawn::view(slopes_1E), d_noisy_TE.view(), d_clean_TE.view(), d_n_TE.view());
    check_component_gradients("clean", drawn.clean_TE, d_clean_TE, loss, component_bar);
    check_component_gradients("n", drawn.n_TE, d_n_TE, loss, component_bar);
  }
}

}  // namespace noisy_logits_test
