#include "moe/core/row.hpp"

#include <vector>

#include "support/catch.hpp"

namespace row_test {

using namespace moe;

TEST_CASE("softmax does not overflow and may overwrite its input", "[core]") {
  std::vector<double> z = {1000, 1001, 999};
  const Row<double> row{z.data(), 3};
  softmax<double>(row, row);
  const double total = 1 + std::exp(1.0) + std::exp(-1.0);
  CHECK(z[0] == Catch::Approx(1 / total).epsilon(1e-14));
  CHECK(z[1] == Catch::Approx(std::exp(1.0) / total).epsilon(1e-14));
  CHECK(z[2] == Catch::Approx(std::exp(-1.0) / total).epsilon(1e-14));
}

TEST_CASE("max and sum_exp reduce a row, and softmax accepts an empty row", "[core]") {
  const std::vector<float> values = {-3, 7, 2};
  const Row<const float> row{values.data(), 3};
  CHECK(max(row) == 7);
  CHECK(sum_exp(row, 7.0f) == Catch::Approx(1 + std::exp(-5.0) + std::exp(-10.0)));
  softmax<float>({}, {});
}

}  // namespace row_test
