#include "moe/routing/router/hash_choice.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "support/catch.hpp"
#include "support/rows.hpp"

namespace hash_choice_test {

using namespace moe;
using namespace moe::testing;

namespace {

std::vector<ChoiceOrder> hashed(const HashChoice& router, std::int32_t token, Index place = 0) {
  const std::vector<float> z(8, 0.0f);
  std::vector<ChoiceOrder> chosen(8, 99);
  router.choose(row(z), row(chosen), RowContext<float>{.row = place, .token = token});
  return chosen;
}

}  // namespace

TEST_CASE("a token selects the same experts in every row, and token ids are spread evenly", "[policies]") {
  std::vector<int> load(8, 0);
  for (std::int32_t token = 0; token < 8000; ++token) {
    const auto chosen = hashed({.k = 1}, token);
    CHECK(chosen == hashed({.k = 1}, token, token % 7));
    for (std::size_t e = 0; e < 8; ++e) load[e] += chosen[e];
  }
  // 1000 expected, with a deviation of 30.
  for (const int ids : load) CHECK(std::abs(ids - 1000) < 150);
  int same = 0;
  for (std::int32_t token = 0; token < 800; ++token) same += hashed({}, token) == hashed({.seed = 5}, token);
  CHECK(same < 200);
  CHECK(hashed({.k = 3}, 7) != hashed({.k = 3}, 8));
}

TEST_CASE("a batch without token ids is refused", "[policies]") {
  const HashMoe<float, Cpu<>> layer(HashChoice{}, {}, {}, ExpertBank<SwiGlu<float, Cpu<>>>(4, 3, 5));
  const Matrix<float, Cpu<>> x_TD(6, 3);
  CHECK_THROWS_WITH(layer.infer(CpuContext{}, x_TD, Batch::single(6)),
                    "[route] the router chooses by token ids, the batch has none for its 6 rows");
}

}  // namespace hash_choice_test
