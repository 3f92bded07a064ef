#include "moe/train/initialize.hpp"

#include <cmath>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace initialize_test {

using namespace moe;
using Catch::Approx;

TEST_CASE("initial matrices are normal with the requested deviation, and vectors keep their values", "[train]") {
  const CpuContext context;
  auto layer = make_multipl<CausalMultiPlMoe<float, Cpu<>>>({.width = 64, .hidden = 128});
  initialize(context, layer, 7, 0.02);
  double sum = 0, squares = 0, count = 0;
  for_each_parameter(
      [&](const std::string& name, const auto& weight) {
        for (Index i = 0; i < weight.size(); ++i) {
          const double value = static_cast<double>(weight.data()[i]);
          if (name == "segment.first_segment") CHECK(value == 0);
          sum += value, squares += value * value, ++count;
        }
      },
      layer);
  CHECK(std::abs(sum / count) < 4 * 0.02 / std::sqrt(count));
  CHECK(std::sqrt(squares / count) == Approx(0.02).epsilon(0.01));
}

TEST_CASE("a weight's initial values depend on seed and name alone", "[train]") {
  const CpuContext context;
  const auto drawn = [&](Index hidden, std::uint64_t seed) {
    auto layer = make_multipl<MultiPlMoe<float, Cpu<>>>({.width = 16, .hidden = hidden});
    initialize(context, layer, seed);
    return std::move(layer.token.routing.gate.weight);
  };
  CHECK(moe::testing::same_bits(drawn(8, 1), drawn(24, 1)));
  CHECK_FALSE(moe::testing::same_bits(drawn(8, 1), drawn(8, 2)));
}

}  // namespace initialize_test
