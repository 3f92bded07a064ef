#include "moe/train/clip.hpp"

#include <cmath>
#include <limits>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "support/catch.hpp"

namespace clip_test {

using namespace moe;
using Catch::Approx;

TEST_CASE("the global norm covers all values and skips empty tensors", "[train]") {
  const CpuContext context;
  SwiGlu<float, Cpu<>> gradient(3, 5);
  gradient.gate_proj.data()[2] = 3;
  gradient.down_proj.data()[14] = -4;
  CHECK(global_norm(context, gradient) == Approx(5));
  gradient.up_proj = {};
  CHECK(global_norm(context, gradient) == Approx(5));
  for (const float bad : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    gradient.gate_proj.data()[0] = bad;
    CHECK_FALSE(std::isfinite(global_norm(context, gradient)));
  }
}

TEST_CASE("the global norm of large values does not overflow float", "[train]") {
  const CpuContext context;
  SwiGlu<float, Cpu<>> gradient(2, 2);
  gradient.gate_proj.data()[0] = 1e30f;
  CHECK(global_norm(context, gradient) == Approx(1e30));
}

TEST_CASE("clip_factor scales down to the limit and never up", "[train]") {
  CHECK(clip_factor(0.5, 1) == 1);
  CHECK(clip_factor(0, 1) == 1);
  CHECK(clip_factor(4, 1) == Approx(0.25).epsilon(1e-5));
  CHECK(4 * clip_factor(4, 1) <= 1);
}

}  // namespace clip_test
