#include "multipl_moe/reproduce/sampling_error.hpp"

#include <cmath>

#include "support/catch.hpp"

namespace sampling_error_test {

using multipl_moe::reproduce::sampling_variance;

TEST_CASE("the sampling variance is that of independent answers", "[reproduce][paper]") {
  // Of 161 answers, each right with 10.9 %.
  CHECK(std::sqrt(sampling_variance(10.9, 1, 161)) == Approx(100 * std::sqrt(0.109 * 0.891 / 161)));
  CHECK(sampling_variance(0, 1, 161) == 0);
  CHECK(sampling_variance(100, 3, 161) == 0);
  CHECK(sampling_variance(30, 6, 161) == Approx(sampling_variance(30, 1, 6 * 161)));
  // Two languages with 10 and 30 % have a smaller variance of their mean than two with 20 %.
  const double unequal = (sampling_variance(10, 1, 50) + sampling_variance(30, 1, 50)) / 4;
  CHECK(unequal < sampling_variance(20, 2, 50));
}

}  // namespace sampling_error_test
