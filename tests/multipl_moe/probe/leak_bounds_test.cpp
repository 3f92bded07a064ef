#include "multipl_moe/probe/leak_bounds.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

namespace leak_bounds_test {

using namespace multipl_moe::probe;
using Catch::Approx;

namespace {

/// The probability of at least `hits` of n draws that hit with probability 1 / alphabet.
double tail(std::int64_t n, std::int64_t hits, std::int64_t alphabet) {
  const double p = 1 / static_cast<double>(alphabet), all = static_cast<double>(n);
  double sum = 0;
  for (double k = static_cast<double>(hits); k <= all; ++k)
    sum += std::exp(std::lgamma(all + 1) - std::lgamma(k + 1) - std::lgamma(all - k + 1) + k * std::log(p) +
                    (all - k) * std::log1p(-p));
  return sum;
}

}  // namespace

TEST_CASE("bits are saved below log2 of the alphabet for each letter", "[probe]") {
  CHECK(bits_saved({.alphabet = 16, .letters = 100, .bits = 380}) == Approx(20));
  CHECK(bits_saved({.alphabet = 8, .letters = 100, .bits = 380}) == Approx(-80));
  CHECK(surprise({.alphabet = 16, .letters = 100, .bits = 380}) == Approx(19));
  CHECK(surprise({.alphabet = 16, .letters = 100, .bits = 400}) == 0);
  CHECK(surprise({}) == 0);
  CHECK(std::isnan(surprise({.letters = 3, .bits = std::numeric_limits<double>::quiet_NaN()})));
}

TEST_CASE("the surprise of hits is a bound on the binomial tail", "[probe]") {
  // 10 (0.5 log2 2 + 0.5 log2 (2/3)).
  CHECK(surprise_of_hits({.alphabet = 4, .letters = 10, .hits = 5}) == Approx(2.0751875));
  CHECK(surprise_of_hits({.alphabet = 4, .letters = 10, .hits = 10}) == Approx(20));
  CHECK(surprise_of_hits({.alphabet = 4, .letters = 8, .hits = 2}) == 0);
  CHECK(surprise_of_hits({.alphabet = 4, .letters = 8, .hits = 1}) == 0);
  for (const std::int64_t alphabet : {2, 10, 16})
    for (const std::int64_t n : {1, 7, 40})
      for (std::int64_t hits = 0; hits <= n; ++hits) {
        const double bound = std::exp2(-surprise_of_hits({.alphabet = alphabet, .letters = n, .hits = hits}));
        CHECK(tail(n, hits, alphabet) <= bound * (1 + 1e-12));
      }
}

TEST_CASE("the better of bits and hits counts, with one bit for the choice", "[probe]") {
  CHECK(surprise({.alphabet = 4, .letters = 10, .hits = 10, .bits = 20}) == Approx(19));
  CHECK(surprise({.alphabet = 4, .letters = 10, .hits = 2, .bits = 11}) == Approx(8));
}

}  // namespace leak_bounds_test
