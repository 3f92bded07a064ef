#include "moe/backend/cpu/simd.hpp"

#include <vector>

#include "support/catch.hpp"

namespace simd_test {

using namespace moe;
using cpu::lanes;

TEMPLATE_TEST_CASE("load_transposed loads a block transposed", "[cpu]", float, double) {
  constexpr Index n = lanes<TestType>, stride = n + 3;
  std::vector<TestType> values(static_cast<std::size_t>(n * stride + 1));
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<TestType>(i);
  cpu::Lanes<TestType> columns[n];
  cpu::load_transposed(values.data() + 1, stride, columns);
  for (Index j = 0; j < n; ++j)
    for (Index i = 0; i < n; ++i) CHECK(columns[j][i] == values[static_cast<std::size_t>(1 + i * stride + j)]);
}

TEMPLATE_TEST_CASE("a partial load and a partial store touch only the first lanes", "[cpu]", float, double) {
  for (Index count = 0; count <= lanes<TestType>; ++count) {
    // Exactly as long as what is read, so that a sanitizer reports a lane too many.
    std::vector<TestType> from(static_cast<std::size_t>(count), TestType(3)), to(from.size(), TestType(0));
    const auto value = cpu::load(from.data(), count);
    for (Index l = 0; l < lanes<TestType>; ++l) CHECK(value[l] == (l < count ? TestType(3) : TestType(0)));
    cpu::store(to.data(), value, count);
    CHECK(to == from);
  }
}

}  // namespace simd_test
