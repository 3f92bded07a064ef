#include "moe/routing/pooling/mean_pool.hpp"

#include "routing/pooling/pool_check.hpp"

namespace mean_pool_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("MeanPool returns each channel's mean", "[policies]") {
  Tensor x(9, 2);
  const std::vector<double> values = {1, 5, 3, 5, 2, -1, -7, -7, 0, 0, 4, 0, 4, -1, 3, 0, 1, 2};
  std::copy(values.begin(), values.end(), x.data());
  CHECK(values_of(pooled<MeanPool>(x).first) == std::vector<double>{2, 3, -7, -7, 12 / 5.0, 1 / 5.0});
}

TEST_CASE("MeanPool's gradient matches central differences and accumulates", "[policies][gradient]") {
  check_pool_gradient<MeanPool>();
}

TEST_CASE("MeanPool is bitwise identical when it runs row by row", "[policies]") { check_pool_row_by_row<MeanPool>(); }

}  // namespace mean_pool_test
