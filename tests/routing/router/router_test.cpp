#include "moe/routing/router/router.hpp"

#include "moe/routing/router/expert_choice.hpp"
#include "moe/routing/router/hash_choice.hpp"
#include "moe/routing/router/language_choice.hpp"
#include "moe/routing/router/shared_top_k.hpp"
#include "moe/routing/router/sinkhorn_choice.hpp"
#include "moe/routing/router/threshold_choice.hpp"
#include "moe/routing/router/top_k.hpp"
#include "support/catch.hpp"

namespace router_test {

using namespace moe;

namespace {

struct NotARouter {
  void pick(int) const {}
};
struct Mute {
  void choose() const {}
};

static_assert(PlainRowRouter<TopK> && !ContextRowRouter<TopK> && !MatrixRouter<TopK>);
static_assert(PlainRowRouter<SharedTopK>);
static_assert(ContextRowRouter<ThresholdChoice> && !PlainRowRouter<ThresholdChoice>);
static_assert(MatrixRouter<ExpertChoice> && !RowRouter<ExpertChoice>);
static_assert(Router<TopK> && Router<ExpertChoice> && Router<Routing<ExpertChoice, ThresholdChoice>>);
static_assert(!Router<NotARouter> && !Router<Mute> && !Router<int> && !Router<Routing<TopK, NotARouter>>);
static_assert(LearnsThresholds<ThresholdChoice> && !LearnsThresholds<TopK> && !LearnsThresholds<ExpertChoice>);
static_assert(TakesShares<ExpertChoice> && !TakesShares<SinkhornChoice> && !TakesShares<TopK>);
static_assert(NeedsRowFacts<HashChoice> && NeedsRowFacts<LanguageChoice> && !NeedsRowFacts<TopK>);
static_assert(NamesShared<SharedTopK> && !NamesShared<TopK> && !NamesShared<ExpertChoice>);

}  // namespace

TEST_CASE("causality is what the inference router says", "[concepts]") {
  CHECK(router_is_causal<TopK>);
  CHECK_FALSE(router_is_causal<ExpertChoice>);
  CHECK(router_is_causal<Routing<ExpertChoice, ThresholdChoice>>);
  CHECK_FALSE(router_is_causal<Routing<TopK, ExpertChoice>>);
  CHECK_FALSE(router_is_batch_independent<ExpertChoice>);
  CHECK(router_is_batch_independent<Routing<ExpertChoice, ThresholdChoice>>);
}

TEST_CASE("a layer finds both routers of a routing", "[concepts]") {
  using R = Routing<TopK, SharedTopK>;
  const R routing{.train = {.k = 3}, .infer = {.k = 4, .shared = 1}};
  CHECK(RoutingOf<R>::train(routing).k == 3);
  CHECK(RoutingOf<R>::infer(routing).shared == 1);
  const TopK single{.k = 5};
  CHECK(&RoutingOf<TopK>::train(single) == &RoutingOf<TopK>::infer(single));
}

}  // namespace router_test
