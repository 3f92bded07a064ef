#include "moe/ops/add.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace add_test {

using namespace moe;
using namespace moe::testing;

TEST_CASE("add_to changes the view and nothing outside it", "[ops]") {
  Draw draw("add");
  const auto from = random_matrix<float, Cpu<>>(draw, 70, 5);
  auto whole = random_matrix<float, Cpu<>>(draw, 70, 9);
  const auto before = whole.copy();
  add_to({.threads = 2}, from, whole.view().cols_between(2, 7));
  for (Index t = 0; t < 70; ++t)
    for (Index d = 0; d < 9; ++d) {
      const bool inside = d >= 2 && d < 7;
      CHECK(whole.view()(t, d) == before.view()(t, d) + (inside ? from.view()(t, d - 2) : 0.0f));
    }
}

}  // namespace add_test
