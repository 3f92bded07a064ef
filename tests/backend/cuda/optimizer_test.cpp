/// The accelerator's optimizer on the emulated device, compared with the CPU.
#include "moe/backend/cuda/optimizer.cuh"

#include "backend/cuda/on_device.hpp"
#include "support/catch.hpp"
#include "support/check_adamw_pieces.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace optimizer_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;

}  // namespace

TEST_CASE("a step of AdamW on the accelerator matches the CPU's", "[accelerator]") {
  Draw draw("adamw");
  const AdamWScalars<double> pace{0.5, 0.9, 0.95, 0.1, 0.05, 1e-2, 1.3, 1e-8, 0.999};
  Matrix<double, Cpu<>> w = random_matrix<double, Cpu<>>(draw, 1, 100), m = random_matrix<double, Cpu<>>(draw, 1, 100),
                        v = random_matrix<double, Cpu<>>(draw, 1, 100), g = random_matrix<double, Cpu<>>(draw, 1, 100);
  for (Index i = 0; i < 100; ++i) v.data()[i] *= v.data()[i];
  auto w_there = sent(w), m_there = sent(m), v_there = sent(v);
  const auto g_there = sent(g);
  constexpr auto whole = MasterWeights::float32;
  Cpu<>::adamw<whole>(CpuContext{.threads = 1}, 100, pace, {}, 0, g.data(), w.data(), nullptr, m.data(), v.data());
  A::adamw<whole>(context(), 100, pace, {}, 0, g_there.data(), w_there.data(), nullptr, m_there.data(), v_there.data());
  CHECK(relative_deviation(values_of(w), fetched(w_there)) < 1e-15);
  CHECK(relative_deviation(values_of(m), fetched(m_there)) < 1e-15);
  CHECK(relative_deviation(values_of(v), fetched(v_there)) < 1e-15);
}

TEST_CASE("a step on pieces of a tensor is bitwise identical to a step on all of it, on the accelerator",
          "[accelerator]") {
  check_every_adamw_in_pieces<A>(context());
}

}  // namespace optimizer_test
