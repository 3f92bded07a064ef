#include "moe/backend/cpu/glu.hpp"

#include "backend/cpu/groups.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/cpu/eigen_gemm.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace cpu_glu_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("SwiGLU's operations and their gradients equal plain loops, with every Gemm", "[cpu]") {
  const auto check = [](auto gemm) {
    using G = Cpu<decltype(gemm)>;
    using Real = double;
    using T = Matrix<Real, G>;
    const typename G::Context g_context{.threads = 2};
    Draw draw("swiglu verbs");
    std::vector<T> gate, up, down;
    for (int g = 0; g < 4; ++g) {
      gate.push_back(random_matrix<Real, G>(draw, out, in));
      up.push_back(random_matrix<Real, G>(draw, out, in));
      down.push_back(random_matrix<Real, G>(draw, in, out));
    }
    const auto list = [](const std::vector<T>& tensors) {
      std::vector<View<const Real, G>> result;
      for (const auto& t : tensors) result.push_back(t.view());
      return result;
    };
    const auto x = random_matrix<Real, G>(draw, 304, in), d_y = random_matrix<Real, G>(draw, 304, in);
    T a(304, out), b(304, out), h(304, out), alone(304, out), again(304, out), d_x(304, in);
    const auto gates = random_matrix<double, G>(draw, 1, 304);
    G::grouped_glu(g_context, Silu{}, x, list(gate), list(up), offsets, a.view(), b.view(), h.view());
    G::grouped_glu(g_context, Silu{}, x, list(gate), list(up), offsets, {}, {}, alone.view());
    CHECK(same_bits(h, alone));
    // The operations without products are bitwise identical to those with products.
    auto here = a.copy(), lone_a = a.copy(), lone_b = b.copy();
    G::glu(g_context, Silu{}, here, b, here.view());
    CHECK(same_bits(h, here));
    T lone_h(304, out);
    G::add_grouped_dgrad(g_context, d_y, list(down), offsets, lone_h.view());
    G::glu_backward(g_context, Silu{}, lone_a.view(), lone_b.view(), lone_h.view());
    CHECK(same_bits(h, lone_h));
    std::vector<double> a_expected, b_expected, h_expected, d_a_expected, d_b_expected, d_x_expected(304 * in, 0.0),
        d_gates_expected(304, 0.0);
    for (Index r = 0; r < 304; ++r)
      for (Index f = 0; f < out; ++f) {
        const auto g = static_cast<std::size_t>(group_of(r));
        double z = 0, factor = 0, d_h = 0;
        for (Index d = 0; d < in; ++d) {
          z += x.view()(r, d) * gate[g].view()(f, d);
          factor += x.view()(r, d) * up[g].view()(f, d);
          d_h += d_y.view()(r, d) * down[g].view()(d, f);
        }
        const double s = 1 / (1 + std::exp(-z));
        a_expected.push_back(z);
        b_expected.push_back(factor);
        h_expected.push_back(z * s * factor);
        d_a_expected.push_back(d_h * factor * s * (1 + z * (1 - s)));
        d_b_expected.push_back(d_h * z * s);
        d_gates_expected[static_cast<std::size_t>(r)] += d_h * h_expected.back();
        for (Index d = 0; d < in; ++d)
          d_x_expected[static_cast<std::size_t>(r * in + d)] +=
              d_a_expected.back() * gate[g].view()(f, d) + d_b_expected.back() * up[g].view()(f, d);
      }
    CHECK(relative_deviation(a_expected, values_of(a)) < 1e-13);
    CHECK(relative_deviation(b_expected, values_of(b)) < 1e-13);
    CHECK(relative_deviation(h_expected, values_of(h)) < 1e-13);
    // With gates, all results are multiplied by the gates, except the gradient of the gates themselves.
    auto gated_a = a.copy(), gated_b = b.copy();
    Matrix<double, G> gated_h(304, out), d_gates(1, 304);
    G::grouped_glu_backward(g_context, Silu{}, d_y, list(down), offsets, gates, gated_a.view(), gated_b.view(),
                            gated_h.view(), d_gates.view());
    G::grouped_glu_backward(g_context, Silu{}, d_y, list(down), offsets, {}, a.view(), b.view(), again.view(), {});
    CHECK(same_bits(h, again));
    CHECK(same_bits(a, lone_a));
    CHECK(same_bits(b, lone_b));
    CHECK(relative_deviation(d_a_expected, values_of(a)) < 1e-13);
    CHECK(relative_deviation(d_b_expected, values_of(b)) < 1e-13);
    std::vector<double> gated_a_expected, gated_b_expected, gated_h_expected;
    for (Index r = 0; r < 304; ++r)
      for (Index i = r * out; i < (r + 1) * out; ++i) {
        const auto at = static_cast<std::size_t>(i);
        gated_a_expected.push_back(gates.data()[r] * d_a_expected[at]);
        gated_b_expected.push_back(gates.data()[r] * d_b_expected[at]);
        gated_h_expected.push_back(gates.data()[r] * h_expected[at]);
      }
    CHECK(relative_deviation(gated_a_expected, values_of(gated_a)) < 1e-13);
    CHECK(relative_deviation(gated_b_expected, values_of(gated_b)) < 1e-13);
    CHECK(relative_deviation(gated_h_expected, values_of(gated_h)) < 1e-13);
    CHECK(relative_deviation(d_gates_expected, values_of(d_gates)) < 1e-13);
    G::grouped_glu_dgrad(g_context, a, list(gate), b, list(up), offsets, d_x.view());
    CHECK(relative_deviation(d_x_expected, values_of(d_x)) < 1e-13);
  };
  check(TileGemm{});
  check(EigenGemm{});
}

}  // namespace cpu_glu_test
