#include "moe/core/random.hpp"

#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace core_random_test {

using namespace moe;

TEST_CASE("Philox matches its published test vectors", "[core][golden]") {
  using Four = moe::Words<4>;
  CHECK(philox({0, 0, 0, 0}, {0, 0}) == Four{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8});
  const std::uint32_t ones = 0xffffffff;
  CHECK(philox({ones, ones, ones, ones}, {ones, ones}) == Four{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd});
  CHECK(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}) ==
        Four{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1});
}

TEST_CASE("every part of the key and both halves of the index change the random words", "[core]") {
  const RandomKey key{1, 2, 3};
  const auto words = random_words(key, 4);
  CHECK(random_words(key, 4) == words);
  CHECK(random_words({2, 2, 3}, 4) != words);
  CHECK(random_words({1 + (1ull << 32), 2, 3}, 4) != words);
  CHECK(random_words({1, 3, 3}, 4) != words);
  CHECK(random_words({1, 2, 4}, 4) != words);
  CHECK(random_words(key, 5) != words);
  CHECK(random_words(key, 4 + (1ull << 32)) != words);
}

TEST_CASE("seed, step and layer of a pass each change the random words, also for steps above 2^32", "[core]") {
  const auto words = [](StepKey key, std::uint32_t layer) { return random_words(key.of_layer(layer), 0); };
  const RandomKey same = StepKey{.seed = 5, .step = 6}.of_layer(7);
  CHECK((same.seed == 5 && same.step == 6 && same.layer == 7));
  const auto of_first = words({.seed = 1, .step = 2}, 3);
  CHECK(words({.seed = 2, .step = 2}, 3) != of_first);
  CHECK(words({.seed = 1, .step = 3}, 3) != of_first);
  CHECK(words({.seed = 1, .step = 2 + (Index{1} << 32)}, 3) != of_first);
  CHECK(words({.seed = 1, .step = 2}, 4) != of_first);
}

TEST_CASE("uniform numbers lie strictly between 0 and 1", "[core]") {
  const std::uint32_t ones = 0xffffffff;
  CHECK(unit_interval(0, 0) > 0);
  CHECK(unit_interval(ones, ones) < 1);
  CHECK(unit_interval(0x80000000, 0) == Catch::Approx(0.5).epsilon(1e-15));
}

TEST_CASE("random numbers have the moments of their distribution", "[core]") {
  const RandomKey key{testing::seed(), 0, 0};
  INFO("MOE_TEST_SEED=" << testing::seed());
  const int count = 100000;
  double mean = 0, square = 0, fourth = 0, uniform = 0;
  for (std::uint64_t i = 0; i < count; ++i) {
    const double z = random_normal(key, i);
    mean += z / count;
    square += z * z / count;
    fourth += z * z * z * z / count;
    uniform += random_uniform(key, i) / count;
  }
  // Six standard errors of each mean.
  const double n = std::sqrt(static_cast<double>(count));
  CHECK(std::abs(mean) < 6 / n);
  CHECK(std::abs(square - 1) < 6 * std::sqrt(2.0) / n);
  CHECK(std::abs(fourth - 3) < 6 * std::sqrt(96.0) / n);
  CHECK(std::abs(uniform - 0.5) < 6 * std::sqrt(1 / 12.0) / n);
}

TEST_CASE("name_hash is the FNV-1a hash of the name", "[core][golden]") {
  CHECK(name_hash("") == 0x811c9dc5);
  CHECK(name_hash("a") == 0xe40c292c);
  CHECK(name_hash("foobar") == 0xbf9cf968);
}

}  // namespace core_random_test
