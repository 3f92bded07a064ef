/// Sample lines of a study, for tests.
#pragma once

#include <string>

#include "bench/learn/record.hpp"

namespace moe_bench::testing {

inline StudySetup sample_setup() {
  return {.cpu = "a CPU",
          .simd = "AVX",
          .compiler = "gcc 12",
          .cores = 2,
          .threads = 2,
          .data = "data",
          .train_tokens = 1'000'000,
          .languages = {"python", "go"},
          .tokenizer = {},
          .vocabulary = 257,
          .layers = 2,
          .width = 128,
          .hidden = 344,
          .experts = 8,
          .choices = 2,
          .window = 16,
          .steps = 10,
          .sequences = 4,
          .length = 256,
          .learning_rate = 4e-3,
          .curve_bytes = 4096,
          .test_bytes = 16'384};
}

/// Four rows with five pairs: one pair is dropped, three are on the first of two experts, one is on the second.
inline LevelLoad sample_level() {
  return {.layer = 0,
          .level = "token",
          .rows = 4,
          .chosen = 5,
          .kept = 4,
          .unserved = 1,
          .load = {3, 1},
          .peak = 1.5,
          .peak_of_rest = 1};
}

inline StepLine sample_step(const std::string& strategy, std::int64_t seed, std::int64_t step) {
  return {.strategy = strategy,
          .seed = seed,
          .step = step,
          .tokens = 100 * step,
          .seconds = 0.2 * static_cast<double>(step),
          .loss = 4,
          .held_out = 3.25,
          .levels = {sample_level()}};
}

inline ResultLine sample_result(const std::string& strategy, std::int64_t seed, double bits) {
  return {.strategy = strategy,
          .routing = "how " + strategy + " routes",
          .seed = seed,
          .steps = 10,
          .skipped = 0,
          .tokens = 1000,
          .seconds = 2,
          .parameters = 1'500'000,
          .causal = true,
          .batch_invariant = true,
          .bits_per_byte = {{"python", bits - 0.5}, {"go", bits + 0.5}},
          .failure = {}};
}

}  // namespace moe_bench::testing
