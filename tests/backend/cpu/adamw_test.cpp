#include "moe/backend/cpu/adamw.hpp"

#include <bit>
#include <vector>

#include "support/catch.hpp"

namespace cpu_adamw_test {

using namespace moe;

TEST_CASE("stochastic rounding of lanes equals that of single values, infinities and NaN included", "[cpu]") {
  const RandomKey key{.seed = 4, .step = 5, .layer = 6};
  std::vector<std::uint32_t> bits{0,           0x80000000u, 0x3f80ffffu, 0x7f7fffffu, 0x7f800000u,
                                  0xff800000u, 0x7f800001u, 0xffc00000u, 0x7fffffffu, 1u};
  for (std::uint64_t i = 0; i < 400; ++i) bits.push_back(random_words(key, i)[0]);
  const auto size = static_cast<Index>(bits.size());
  for (Index at = 0; at < size; at += cpu::lanes<float>) {
    const Index count = std::min(size - at, cpu::lanes<float>);
    float values[cpu::lanes<float>] = {};
    for (Index i = 0; i < count; ++i) values[i] = std::bit_cast<float>(bits[static_cast<std::size_t>(at + i)]);
    const cpu::RoundingLanes random(key, at);
    BFloat16 of_lanes[cpu::lanes<float>];
    cpu::store_moment(of_lanes, cpu::load(values), random.moments, count);
    for (Index i = 0; i < count; ++i) {
      const std::uint32_t word = RoundingOfFour(key, (at + i) / 4).moments[static_cast<std::size_t>((at + i) % 4)];
      CHECK(of_lanes[i].bits == stochastic_round(values[i], word).bits);
    }
  }
}

TEST_CASE("split master weights are stored and loaded unchanged, and nothing beyond the count is touched", "[cpu]") {
  for (Index count = 0; count <= cpu::lanes<float>; ++count) {
    float values[cpu::lanes<float>] = {}, w[cpu::lanes<float> + 1] = {};
    std::uint16_t lower[cpu::lanes<float> + 1] = {};
    for (Index i = 0; i < cpu::lanes<float>; ++i)
      values[i] = std::bit_cast<float>(0x3f800000u + 0x1234567u * static_cast<std::uint32_t>(i));
    w[count] = 17;
    lower[count] = 18;
    cpu::store_master<MasterWeights::split>(w, lower, 0, cpu::load(values), cpu::BitLanes{}, count);
    const auto back = cpu::load_master<MasterWeights::split>(w, lower, 0, count);
    for (Index i = 0; i < count; ++i)
      CHECK(std::bit_cast<std::uint32_t>(float(back[i])) == std::bit_cast<std::uint32_t>(values[i]));
    CHECK(w[count] == 17);
    CHECK(lower[count] == 18);
  }
}

}  // namespace cpu_adamw_test
