#include "moe/train/draw_adapters.hpp"

#include <algorithm>
#include <cmath>

#include "moe/layers/presets.hpp"
#include "support/adapters.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace draw_adapters_test {

using namespace moe;
using namespace moe::testing;

namespace {
const CpuContext context;
}

TEST_CASE("an adapter starts uniform in A, within peft's bound, and zero in B", "[train]") {
  LoraAdapter<double, Cpu<>> adapter(400, 30, {.rank = 20}, 24);
  Draw draw("adapter before");
  randomize(draw, adapter);
  draw_adapters(context, adapter, 7, "x.");
  CHECK(filling_is_zero(adapter));
  for (const double value : values_of(adapter.lora_B)) CHECK(value == 0);
  const auto values = values_of(adapter.lora_A.const_view().rows_between(0, 20));
  const double bound = 1 / std::sqrt(400.0), count = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double value : values) sum += value, squares += value * value;
  const auto [low, high] = std::minmax_element(values.begin(), values.end());
  CHECK(*low > -bound);
  CHECK(*high < bound);
  CHECK(*high - *low > 1.99 * bound);
  // Mean 0 and variance bound^2 / 3, each within five deviations of their own.
  CHECK(std::abs(sum / count) < 5 * bound / std::sqrt(3 * count));
  CHECK(std::abs(squares / count - bound * bound / 3) < 5 * bound * bound * std::sqrt(4.0 / 45 / count));
}

TEST_CASE("drawn values depend on seed and name, and no two adapters are equal", "[train]") {
  const auto drawn = [](std::uint64_t seed, const std::string& name) {
    auto layer = make_mole(SwiGlu<float, Cpu<>>(6, 6), {.languages = 2, .language_rank = 2, .shared_rank = 2});
    draw_adapters(context, layer, seed, name);
    return layer;
  };
  const auto a = drawn(1, "a."), same = drawn(1, "a."), other_seed = drawn(2, "a."), other_name = drawn(1, "b.");
  CHECK(same_bits(a.up_proj.adapters[1].lora_A, same.up_proj.adapters[1].lora_A));
  CHECK_FALSE(same_bits(a.up_proj.adapters[1].lora_A, other_seed.up_proj.adapters[1].lora_A));
  CHECK_FALSE(same_bits(a.up_proj.adapters[1].lora_A, other_name.up_proj.adapters[1].lora_A));
  CHECK_FALSE(same_bits(a.up_proj.adapters[1].lora_A, a.up_proj.adapters[0].lora_A));
  CHECK_FALSE(same_bits(a.up_proj.adapters[1].lora_A, a.gate_proj.adapters[1].lora_A));
  CHECK_FALSE(same_bits(a.up_proj.adapters[1].lora_A, a.down_proj.adapters[1].lora_A));
}

}  // namespace draw_adapters_test
