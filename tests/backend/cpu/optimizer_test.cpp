#include "moe/backend/cpu/optimizer.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/check_adamw_pieces.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace optimizer_test {

using namespace moe;
using namespace moe::testing;

namespace {

const CpuContext context{.threads = 2};

}  // namespace

TEST_CASE("a step of AdamW follows its formula", "[cpu]") {
  using Real = double;
  Draw draw("adamw, cpu");
  const AdamWScalars<Real> pace{0.5, 0.9, 0.95, 0.1, 0.05, 1e-2, 1.3, 1e-8, 0.999};
  const auto draw_row = [&] { return random_matrix<Real, Cpu<>>(draw, 1, 101); };
  auto w = draw_row(), m = draw_row(), v = draw_row();
  const auto g = draw_row();
  for (Index i = 0; i < 101; ++i) v.data()[i] *= v.data()[i];
  std::vector<double> w_expected, m_expected, v_expected;
  for (Index i = 0; i < 101; ++i) {
    const double slope = 0.5 * g.data()[i];
    m_expected.push_back(0.9 * m.data()[i] + 0.1 * slope);
    v_expected.push_back(0.95 * v.data()[i] + 0.05 * slope * slope);
    w_expected.push_back(0.999 * w.data()[i] - 1e-2 * m_expected.back() / (1.3 * std::sqrt(v_expected.back()) + 1e-8));
  }
  Cpu<>::adamw<MasterWeights::float32>(context, 101, pace, {}, 0, g.data(), w.data(), nullptr, m.data(), v.data());
  CHECK(relative_deviation(m_expected, values_of(m)) < 1e-14);
  CHECK(relative_deviation(v_expected, values_of(v)) < 1e-14);
  CHECK(relative_deviation(w_expected, values_of(w)) < 1e-14);
}

TEST_CASE("a step on pieces of a tensor is bitwise identical to a step on all of it", "[cpu]") {
  check_every_adamw_in_pieces<Cpu<>>(context);
}

TEST_CASE("a weight is rounded to the nearest bfloat16, and its lower bits can be kept", "[cpu]") {
  const std::vector<float> before = {1.0f, 0.1f, -3.14159f, 1e-30f};
  std::vector<float> alone = before, split = before;
  std::vector<std::uint16_t> lower(before.size());
  Cpu<>::narrow_weights(context, 4, alone.data(), nullptr);
  Cpu<>::narrow_weights(context, 4, split.data(), lower.data());
  for (std::size_t i = 0; i < before.size(); ++i) {
    CHECK(alone[i] == static_cast<float>(BFloat16(before[i])));
    CHECK(joined(BFloat16(split[i]), lower[i]) == before[i]);
  }
}

}  // namespace optimizer_test
