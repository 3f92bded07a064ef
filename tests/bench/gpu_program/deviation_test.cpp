#include "bench/gpu_program/deviation.hpp"

#include "support/catch.hpp"

namespace deviation_test {

using gpu_program::LargestDeviation;

TEST_CASE("the largest deviation and what has it are kept") {
  LargestDeviation largest;
  CHECK(largest.value == 0);
  CHECK(largest.what == "nothing");
  for (const double deviation : {0.5, 2.0, 1.0})
    largest.add(deviation, "step " + std::to_string(static_cast<int>(2 * deviation)));
  CHECK(largest.value == 2);
  CHECK(largest.what == "step 4");
}
TEST_CASE("a deviation that is no number is the largest, whatever follows it") {
  LargestDeviation largest;
  largest.add(1, "first");
  largest.add(NAN, "second");
  largest.add(3, "third");
  CHECK(std::isinf(largest.value));
  CHECK(largest.what == "second");
}

}  // namespace deviation_test
