#include "moe/backend/cpu/lanes.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace lanes_test {

using namespace moe;
using namespace moe::testing;

TEMPLATE_TEST_CASE("a dot product is bitwise identical for any alignment of its operands", "[cpu]", float, double) {
  Draw draw("lanes");
  for (const Index size : {0, 1, 15, 16, 17, 100, 300}) {
    std::vector<TestType> a(static_cast<std::size_t>(size) + 16), b(a.size());
    std::vector<TestType> results;
    std::vector<double> x, y;
    for (Index i = 0; i < size; ++i) x.push_back(as_float(draw.normal())), y.push_back(as_float(draw.normal()));
    for (std::size_t shift = 0; shift < 16; ++shift) {
      for (std::size_t i = 0; i < x.size(); ++i) {
        a[i + shift] = static_cast<TestType>(x[i]);
        b[i + 15 - shift] = static_cast<TestType>(y[i]);
      }
      results.push_back(cpu::dot(&a[shift], &b[15 - shift], size));
      CHECK(results.back() == results.front());
    }
    double expected = 0, magnitude = 1;
    for (std::size_t i = 0; i < x.size(); ++i) expected += x[i] * y[i], magnitude += std::abs(x[i] * y[i]);
    INFO("size " << size << ", MOE_TEST_SEED=" << seed());
    CHECK(std::abs(static_cast<double>(results.front()) - expected) <
          magnitude * (sizeof(TestType) == 4 ? 1e-6 : 1e-15));
  }
}

TEST_CASE("squares are summed in double", "[cpu]") {
  // In float the sum would overflow.
  const std::vector<float> a(100, 1e20f);
  CHECK(cpu::sum_of_squares(a.data(), 100) == Catch::Approx(1e42).epsilon(1e-6));
}

}  // namespace lanes_test
