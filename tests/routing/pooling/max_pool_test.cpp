#include "moe/routing/pooling/max_pool.hpp"

#include "routing/pooling/pool_check.hpp"

namespace max_pool_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("MaxPool returns each channel's largest value and the first row that has it", "[policies]") {
  Tensor x(9, 2);
  const std::vector<double> values = {1, 5, 3, 5, 2, -1, -7, -7, 0, 0, 4, 0, 4, -1, 3, 0, 1, 2};
  std::copy(values.begin(), values.end(), x.data());
  const auto [u, saved] = pooled<MaxPool>(x);
  CHECK(values_of(u) == std::vector<double>{3, 5, -7, -7, 4, 2});
  CHECK(std::vector<Index>(saved.row_VD.data(), saved.row_VD.data() + 6) == std::vector<Index>{1, 0, 3, 3, 5, 8});
}

TEST_CASE("MaxPool's gradient matches central differences and accumulates", "[policies][gradient]") {
  check_pool_gradient<MaxPool>();
}

TEST_CASE("MaxPool is bitwise identical when it runs row by row", "[policies]") { check_pool_row_by_row<MaxPool>(); }

}  // namespace max_pool_test
