#include "moe/routing/router/jittered.hpp"

#include <vector>

#include "moe/routing/router/router.hpp"
#include "moe/routing/router/top_k.hpp"
#include "support/catch.hpp"

namespace jittered_test {

using namespace moe;
static_assert(Router<Jittered<TopK>> && JittersInput<Jittered<TopK>> && !JittersInput<TopK>);
static_assert(router_is_batch_invariant<Jittered<TopK>>);
static_assert(std::is_trivially_copyable_v<Jittered<TopK>>);

TEST_CASE("a jittered router selects as its base router", "[policies]") {
  const Jittered<TopK> router{{.k = 1}, 0.2};
  CHECK(router.jitter == 0.2);
  const std::vector<float> logits = {1, 3, 2};
  std::vector<ChoiceOrder> chosen(3), plain(3);
  router.choose(Row<const float>{logits.data(), 3}, Row<ChoiceOrder>{chosen.data(), 3});
  TopK{.k = 1}.choose(Row<const float>{logits.data(), 3}, Row<ChoiceOrder>{plain.data(), 3});
  CHECK(chosen == plain);
  CHECK(chosen == std::vector<ChoiceOrder>{0, 1, 0});
}

}  // namespace jittered_test
