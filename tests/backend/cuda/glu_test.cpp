/// The accelerator's SwiGLU on the emulated device, compared with the CPU.
#include "moe/backend/cuda/glu.cuh"

#include "backend/cuda/on_device.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace glu_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;

}  // namespace

TEST_CASE("grouped SwiGLU and its gradients equal the CPU's", "[accelerator]") {
  Draw draw("swiglu, accelerator");
  const CpuContext cpu{.threads = 1};
  const std::vector<Index> offsets = {0, 4, 4, 9};
  std::vector<Matrix<double, Cpu<>>> here;
  std::vector<Matrix<double, A>> there;
  // For each of the three groups: its gate, up and down weights.
  for (int i = 0; i < 9; ++i) {
    here.push_back(i % 3 == 2 ? random_matrix<double, Cpu<>>(draw, 3, 7) : random_matrix<double, Cpu<>>(draw, 7, 3));
    there.push_back(sent(here.back()));
  }
  const auto list = [](const auto& weights, std::size_t which) {
    std::vector<decltype(weights[0].view())> views;
    for (std::size_t g = 0; g < 3; ++g) views.push_back(weights[3 * g + which].view());
    return views;
  };
  const auto x = random_matrix<double, Cpu<>>(draw, 9, 3), d_y = random_matrix<double, Cpu<>>(draw, 9, 3),
             gates = random_matrix<double, Cpu<>>(draw, 1, 9);
  Matrix<double, Cpu<>> a(9, 7), b(9, 7), h(9, 7), d_x(9, 3), d_gates(1, 9);
  auto a_there = sent(a), b_there = sent(b), h_there = sent(h), d_x_there = sent(d_x), d_gates_there = sent(d_gates);
  const auto agree = [](const auto& on_cpu, const auto& on_device) {
    return relative_deviation(values_of(on_cpu), fetched(on_device)) < 1e-13;
  };

  Cpu<>::grouped_glu(cpu, Silu{}, x, list(here, 0), list(here, 1), offsets, a.view(), b.view(), h.view());
  A::grouped_glu(context(), Silu{}, sent(x), list(there, 0), list(there, 1), offsets, a_there.view(), b_there.view(),
                 h_there.view());
  CHECK((agree(a, a_there) && agree(b, b_there) && agree(h, h_there)));
  Cpu<>::grouped_glu_backward(cpu, Silu{}, d_y, list(here, 2), offsets, gates, a.view(), b.view(), h.view(),
                              d_gates.view());
  A::grouped_glu_backward(context(), Silu{}, sent(d_y), list(there, 2), offsets, sent(gates), a_there.view(),
                          b_there.view(), h_there.view(), d_gates_there.view());
  CHECK((agree(a, a_there) && agree(b, b_there) && agree(h, h_there) && agree(d_gates, d_gates_there)));
  Cpu<>::grouped_glu_dgrad(cpu, a, list(here, 0), b, list(here, 1), offsets, d_x.view());
  A::grouped_glu_dgrad(context(), a_there, list(there, 0), b_there, list(there, 1), offsets, d_x_there.view());
  CHECK(agree(d_x, d_x_there));
}

}  // namespace glu_test
