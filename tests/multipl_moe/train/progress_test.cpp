#include "multipl_moe/train/progress.hpp"

#include <cmath>

#include "multipl_moe/io/free_memory.hpp"
#include "support/catch.hpp"

namespace progress_test {

using namespace multipl_moe;

TEST_CASE("the progress line has step, losses, rate, gradient norm, speed, memory and time left", "[train]") {
  CHECK(progress_line({.step = 120,
                       .total = 50354,
                       .loss = 1.234,
                       .auxiliary = 0.0101,
                       .rate = 6.9e-6,
                       .gradient_norm = 0.413,
                       .tokens_per_second = 12340,
                       .memory_bytes = 3'328'599'654,
                       .seconds_left = 11520}) ==
        "step 120/50354  loss 1.234  aux 0.010  lr 6.9e-06  gnorm 0.41  12.3k tok/s  mem 3.10 GiB  ETA 3h12m");
}

TEST_CASE("the progress line gives memory in the unit that fits", "[train]") {
  for (const auto& [bytes, text] : {std::pair<std::int64_t, const char*>{5'000'000, "mem 4.8 MiB  ETA"},
                                    {900'000'000, "mem 858.3 MiB  ETA"},
                                    {20'000, "mem 20 KiB  ETA"}})
    CHECK_THAT(progress_line({.memory_bytes = bytes}), Catch::Matchers::ContainsSubstring(text));
}

TEST_CASE("the progress line has the newest loss on held-out text", "[train]") {
  CHECK_THAT(progress_line({.step = 1, .total = 2, .loss = 1.5}, 2.25),
             Catch::Matchers::ContainsSubstring("loss 1.500  held-out 2.250  aux"));
  CHECK(mean_of({{Language::python, 1}, {Language::go, 2}}) == 1.5);
  CHECK(std::isnan(mean_of({})));
}

TEST_CASE("counts and durations have short forms", "[train]") {
  CHECK(short_count(950) == "950");
  CHECK(short_count(1.2e6) == "1.20M");
  CHECK(short_duration(-1) == "0s");
  CHECK(short_duration(59.4) == "59s");
  CHECK(short_duration(185) == "3m05s");
  CHECK(resident_bytes() > 1'000'000);
}

}  // namespace progress_test
