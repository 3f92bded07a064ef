/// Compares the gradient of a gate normalizer with central differences; needs no backend.
#pragma once

#include <cmath>

#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/rows.hpp"

namespace moe::testing {

template <class Normalizer>
void check_normalizer_gradient(const Normalizer& normalizer) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    Draw draw("gradient of a normalizer", i);
    const auto experts = static_cast<std::size_t>(draw.between(1, 7));
    std::vector<double> z(experts), c(experts), d_z(experts, 99);
    std::vector<ChoiceOrder> chosen(experts);
    for (std::size_t e = 0; e < experts; ++e) {
      z[e] = 2 * draw.normal();
      c[e] = draw.normal();
      chosen[e] = static_cast<ChoiceOrder>(draw.between(0, 1));
    }
    const auto loss = [&] {
      double sum = 0;
      const auto gates = normalize(normalizer, z, chosen);
      for (std::size_t e = 0; e < experts; ++e) sum += c[e] * gates[e];
      return sum;
    };
    const auto gates = normalize(normalizer, z, chosen);
    normalizer.backward(row(std::as_const(z)), row(std::as_const(chosen)), row(gates), row(std::as_const(c)), row(d_z));
    for (std::size_t e = 0; e < experts; ++e) {
      const double kept = z[e], step = 1e-6;
      z[e] = kept + step;
      const double above = loss();
      z[e] = kept - step;
      const double below = loss();
      z[e] = kept;
      INFO("case " << i << ", expert " << e << ", MOE_TEST_SEED=" << seed());
      CHECK(std::abs(d_z[e] - (above - below) / (2 * step)) <= 1e-6);
    }
  }
}

}  // namespace moe::testing
