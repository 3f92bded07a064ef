#include "moe/backend/cpu/swiglu.hpp"

#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace cpu_swiglu_test {

using namespace moe;
using namespace moe::testing;

namespace {

template <class Real>
std::vector<Real> normals(Draw& draw, std::size_t size, double deviation = 1) {
  std::vector<Real> result(size);
  for (Real& value : result) value = static_cast<Real>(as_float(deviation * draw.normal()));
  return result;
}
template <class Real>
std::vector<double> doubles(const std::vector<Real>& values) {
  return {values.begin(), values.end()};
}
template <class Real>
Real exp_of(Real x) {
  return cpu::exp<Real>(x + cpu::Lanes<Real>{})[0];
}

}  // namespace

TEMPLATE_TEST_CASE("SwiGLU and its gradient follow their formulas", "[cpu]", float, double) {
  Draw draw("swiglu");
  const std::size_t size = 5003;
  const auto a = normals<TestType>(draw, size, 3), b = normals<TestType>(draw, size),
             d_h = normals<TestType>(draw, size);
  std::vector<TestType> h(size), d_a = a, d_b = b, again = d_h;
  cpu::swiglu(static_cast<Index>(size), a.data(), b.data(), h.data());
  const TestType inner =
      cpu::swiglu_backward(static_cast<Index>(size), TestType(1), d_a.data(), d_b.data(), again.data());
  std::vector<double> h_expected, d_a_expected, d_b_expected;
  double inner_expected = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const double z = static_cast<double>(a[i]), factor = static_cast<double>(b[i]), d = static_cast<double>(d_h[i]);
    const double s = 1 / (1 + std::exp(-z));
    h_expected.push_back(z * s * factor);
    d_a_expected.push_back(d * factor * s * (1 + z * (1 - s)));
    d_b_expected.push_back(d * z * s);
    inner_expected += d * h_expected.back();
  }
  CHECK(static_cast<double>(inner) == Catch::Approx(inner_expected).epsilon(1e-4));
  CHECK(nmse(h_expected, doubles(h)) < Tolerance<TestType>::nmse);
  CHECK(nmse(d_a_expected, doubles(d_a)) < Tolerance<TestType>::nmse);
  CHECK(nmse(d_b_expected, doubles(d_b)) < Tolerance<TestType>::nmse);
  // h recomputed in backward and h computed in place are bitwise identical to h.
  CHECK(again == h);
  std::vector<TestType> in_place = a;
  cpu::swiglu(static_cast<Index>(size), in_place.data(), b.data(), in_place.data());
  CHECK(in_place == h);
}

TEMPLATE_TEST_CASE("the SwiGLU of a value does not depend on its position", "[cpu]", float, double) {
  Draw draw("swiglu, places");
  const auto a = normals<TestType>(draw, 70, 3), b = normals<TestType>(draw, 70);
  std::vector<TestType> whole(70);
  cpu::swiglu(70, a.data(), b.data(), whole.data());
  for (std::size_t begin = 0; begin < 70; ++begin) {
    std::vector<TestType> part(70 - begin);
    cpu::swiglu(static_cast<Index>(part.size()), a.data() + begin, b.data() + begin, part.data());
    CHECK(part == std::vector<TestType>(whole.begin() + static_cast<std::ptrdiff_t>(begin), whole.end()));
  }
}

TEMPLATE_TEST_CASE("SwiGLU and its gradient have the right limits for large inputs", "[cpu]", float, double) {
  const TestType far = 1e4;
  std::vector<TestType> a = {-far, far, -far}, b(3, TestType(2)), d_h = b, h(3);
  cpu::swiglu(3, a.data(), b.data(), h.data());
  CHECK(h == std::vector<TestType>{0, 2 * far, 0});
  cpu::swiglu_backward(3, TestType(1), a.data(), b.data(), d_h.data());
  CHECK(std::abs(a[0]) < TestType(1e-3));
  CHECK(std::abs(a[1] - TestType(4)) < TestType(1e-3));
}

TEMPLATE_TEST_CASE("the exponential is within two units in the last place", "[cpu]", float, double) {
  const double epsilon = static_cast<double>(std::numeric_limits<TestType>::epsilon());
  double worst = 0;
  for (int i = -8700; i <= 8800; ++i) {
    const TestType x = static_cast<TestType>(i) / 100;
    const double exact = std::exp(static_cast<double>(x));
    worst = std::max(worst, std::abs(static_cast<double>(exp_of(x)) - exact) / exact);
  }
  CHECK(worst < 2 * epsilon);
  CHECK(exp_of(TestType(0)) == 1);
  CHECK(exp_of(TestType(1e4)) > TestType(2e38));
  CHECK(exp_of(std::numeric_limits<TestType>::infinity()) > TestType(2e38));
  CHECK(exp_of(TestType(-1e4)) < TestType(2e-38));
  CHECK(std::isnan(exp_of(std::numeric_limits<TestType>::quiet_NaN())));
}

TEMPLATE_TEST_CASE("the vectorized sigmoid has the right limits and keeps NaN", "[cpu]", float, double) {
  using Limits = std::numeric_limits<TestType>;
  const auto sigmoid_of = [](TestType z) { return cpu::sigmoid<TestType>(z + cpu::Lanes<TestType>{})[0]; };
  CHECK(sigmoid_of(0) == TestType(0.5));
  CHECK(sigmoid_of(TestType(-3)) == Catch::Approx(1 / (1 + std::exp(3.0))));
  CHECK(sigmoid_of(TestType(-87)) > 0);
  for (const TestType far : {TestType(1e4), Limits::max(), Limits::infinity()}) {
    CHECK(sigmoid_of(far) == 1);
    CHECK(sigmoid_of(-far) == 0);
  }
  CHECK(std::isnan(sigmoid_of(Limits::quiet_NaN())));
}

}  // namespace cpu_swiglu_test
