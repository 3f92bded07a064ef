#include "moe/backend/cuda/vector_access.cuh"

#include <algorithm>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/core/team.hpp"
#include "support/catch.hpp"

namespace vector_access_test {

using namespace moe;

namespace {

struct TwoOfThree {
  Index lane;
  Index rank() const { return lane; }
  static constexpr Index size() { return 3; }
};

}  // namespace

TEST_CASE("a team processes every value of a row once, in vectors as far as possible", "[accelerator]") {
  for (const Index count : {0, 1, 3, 4, 11, 12, 29}) {
    std::vector<int> taken(static_cast<std::size_t>(count));
    for (Index lane = 0; lane < 3; ++lane)
      gpu::for_each_vector<4>(TwoOfThree{lane}, count, [&](Index at, auto width) {
        for (int i = 0; i < width; ++i) ++taken[static_cast<std::size_t>(at + i)];
        CHECK((width == 4) == (at < count / 4 * 4));
      });
    CHECK(taken == std::vector<int>(static_cast<std::size_t>(count), 1));
  }
}

TEST_CASE("load and store copy a vector, aligned or not", "[accelerator]") {
  alignas(16) const float from[8] = {1, 2, 3, 4, 5, 6, 7, 8};
  alignas(16) float to[8] = {};
  float packet[4];
  gpu::load<4>(from, true, packet);
  gpu::store<4>(to + 4, true, packet);
  gpu::load<4>(from + 1, false, packet);
  gpu::store<4>(to, false, packet);
  CHECK(std::vector<float>(to, to + 8) == std::vector<float>{2, 3, 4, 5, 1, 2, 3, 4});
}

TEST_CASE("the vectors of a row, of which the last may be shorter, copy every value once", "[accelerator]") {
  alignas(16) float from[16];
  for (int i = 0; i < 16; ++i) from[i] = static_cast<float>(i + 1);
  for (const Index count : {0, 1, 4, 7, 8, 13})
    for (const Index begin : {0, 1}) {
      INFO(count << " values from " << begin);
      CHECK(gpu::vectors_of<4>(count) == (count + 3) / 4);
      std::vector<float> to(16), expected(16);
      for (Index vector = 0; vector < gpu::vectors_of<4>(count); ++vector)
        gpu::copy_vector<4>(from + begin, false, vector, count, to.data());
      std::copy_n(from + begin, count, expected.begin());
      CHECK(to == expected);
    }
  alignas(16) float to[8] = {};
  for (Index vector = 0; vector < 2; ++vector) gpu::copy_vector<4>(from, true, vector, 7, to);
  CHECK(std::vector<float>(to, to + 8) == std::vector<float>{1, 2, 3, 4, 5, 6, 7, 0});
}

TEST_CASE("vectors are aligned if the first value and the row stride are", "[accelerator]") {
  alignas(16) const float values[64] = {};
  using ConstView = View<const float, Cpu<>>;
  CHECK(gpu::has_aligned_vectors<4>(ConstView(values, 3, 8)));
  CHECK(gpu::has_aligned_vectors<4>(ConstView(values, 3, 5, 8)));
  CHECK(gpu::has_aligned_vectors<4>(ConstView(values, 1, 5)));
  CHECK(!gpu::has_aligned_vectors<4>(ConstView(values, 3, 5)));
  CHECK(!gpu::has_aligned_vectors<4>(ConstView(values + 1, 3, 8)));
}

}  // namespace vector_access_test
