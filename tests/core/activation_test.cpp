#include "moe/core/activation.hpp"

#include <limits>

#include "support/catch.hpp"

namespace activation_test {

using namespace moe;

namespace {

struct Leaky {
  template <class Real>
  MOE_HOST_DEVICE Real value(Real z) const {
    return z < 0 ? Real(0.125) * z : z;
  }
  template <class Real>
  MOE_HOST_DEVICE Real derivative(Real z) const {
    return z < 0 ? Real(0.125) : Real(1);
  }
};
struct OnlyValue {
  template <class Real>
  Real value(Real z) const {
    return z;
  }
};
static_assert(Activation<Silu> && Activation<Gelu> && Activation<GeluTanh> && Activation<Relu> &&
              Activation<ReluSquared> && Activation<Leaky>);
static_assert(!Activation<OnlyValue> && !Activation<int>);

/// The definitions of the literature, in double.
double expected(Silu, double z) { return z / (1 + std::exp(-z)); }
double expected(Gelu, double z) { return z / 2 * (1 + std::erf(z / std::sqrt(2.0))); }
double expected(GeluTanh, double z) {
  return z / 2 * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (z + 0.044715 * z * z * z)));
}
double expected(Relu, double z) { return std::max(z, 0.0); }
double expected(ReluSquared, double z) { return z > 0 ? z * z : 0; }

}  // namespace

TEMPLATE_TEST_CASE("an activation matches its definition, and its derivative matches central differences",
                   "[core][activation]", Silu, Gelu, GeluTanh, Relu, ReluSquared) {
  const TestType activation;
  for (double z = -6.05; z < 6; z += 0.1) {
    INFO(z);
    CHECK(activation.value(z) == Catch::Approx(expected(activation, z)).epsilon(1e-12).margin(1e-13));
    const auto narrow = static_cast<float>(z);
    CHECK(activation.value(narrow) ==
          Catch::Approx(expected(activation, static_cast<double>(narrow))).epsilon(1e-5).margin(1e-6));
    constexpr double step = 1e-6;
    const double slope = (expected(activation, z + step) - expected(activation, z - step)) / (2 * step);
    CHECK(activation.derivative(z) == Catch::Approx(slope).epsilon(1e-7).margin(1e-8));
    CHECK(activation.derivative(narrow) == Catch::Approx(activation.derivative(z)).epsilon(1e-5).margin(1e-6));
  }
}

TEMPLATE_TEST_CASE("an activation does not overflow where squares and exponentials do", "[core][activation]", Silu,
                   Gelu, GeluTanh, Relu) {
  const TestType activation;
  for (const float z : {1e2f, 1e8f, 1e20f, 3e38f}) {
    INFO(z);
    CHECK(activation.value(z) == z);
    CHECK(activation.derivative(z) == 1);
    CHECK(activation.value(-z) == 0);
    CHECK(activation.derivative(-z) == 0);
  }
  CHECK(activation.value(0.0) == 0);
  CHECK(std::isnan(activation.value(std::numeric_limits<double>::quiet_NaN())));
}

TEST_CASE("ReLU and its square have derivative 0 at 0, and the square propagates NaN", "[core][activation]") {
  CHECK(Relu{}.derivative(0.0) == 0);
  CHECK(ReluSquared{}.derivative(0.0) == 0);
  CHECK(ReluSquared{}.value(-1e30f) == 0);
  CHECK(std::isnan(ReluSquared{}.value(std::numeric_limits<float>::quiet_NaN())));
}

}  // namespace activation_test
