#include "moe/backend/cpu/glu_kernel.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace glu_kernel_test {

using namespace moe;
using namespace moe::testing;

namespace {

template <class Real>
std::vector<Real> drawn(Draw& draw, std::size_t size) {
  std::vector<Real> values(size);
  for (Real& value : values) value = static_cast<Real>(draw.normal());
  return values;
}

}  // namespace

TEMPLATE_TEST_CASE("a GLU with SiLU is bitwise identical to the vectorized SwiGLU", "[backend][glu]", float, double) {
  Draw draw("glu kernel");
  const auto a = drawn<TestType>(draw, 37), b = drawn<TestType>(draw, 37), d = drawn<TestType>(draw, 37);
  std::vector<TestType> h(37), expected(37);
  cpu::glu(Silu{}, 37, a.data(), b.data(), h.data());
  cpu::swiglu_kernels<TestType>().forward(37, a.data(), b.data(), expected.data());
  CHECK(h == expected);
  auto d_a = a, d_b = b, again = d, d_a_2 = a, d_b_2 = b, again_2 = d;
  const TestType sum = cpu::glu_backward(Silu{}, 37, TestType(0.7), d_a.data(), d_b.data(), again.data());
  CHECK(sum == cpu::swiglu_kernels<TestType>().backward(37, TestType(0.7), d_a_2.data(), d_b_2.data(), again_2.data()));
  CHECK((d_a == d_a_2 && d_b == d_b_2 && again == again_2));
}

TEMPLATE_TEST_CASE("a GLU's kernels compute its formulas, with and without a second factor", "[backend][glu]", Silu,
                   Gelu, Relu) {
  const TestType activation;
  Draw draw("glu kernel formulas");
  const auto a = drawn<double>(draw, 21), b = drawn<double>(draw, 21), d = drawn<double>(draw, 21);
  for (const bool has_b : {true, false}) {
    auto h = a;
    cpu::glu(activation, 21, h.data(), has_b ? b.data() : nullptr, h.data());
    auto d_a = a, d_b = b, gated_h = d;
    const double gate = -0.3;
    const double sum =
        cpu::glu_backward(activation, 21, gate, d_a.data(), has_b ? d_b.data() : nullptr, gated_h.data());
    double expected_sum = 0;
    for (std::size_t i = 0; i < 21; ++i) {
      const double factor = has_b ? b[i] : 1, value = activation.value(a[i]);
      CHECK(h[i] == Catch::Approx(value * factor).epsilon(1e-14));
      CHECK(gated_h[i] == Catch::Approx(gate * value * factor).epsilon(1e-14));
      CHECK(d_a[i] == Catch::Approx(gate * d[i] * factor * activation.derivative(a[i])).epsilon(1e-14));
      CHECK(d_b[i] == Catch::Approx(has_b ? gate * d[i] * value : b[i]).epsilon(1e-14));
      expected_sum += d[i] * value * factor;
    }
    CHECK(sum == Catch::Approx(expected_sum).epsilon(1e-13));
  }
}

}  // namespace glu_kernel_test
