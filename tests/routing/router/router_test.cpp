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
static_assert(Router<TopK> && Router<ExpertChoice> && Router<TrainInfer<ExpertChoice, ThresholdChoice>>);
static_assert(!Router<NotARouter> && !Router<Mute> && !Router<int> && !Router<TrainInfer<TopK, NotARouter>>);
static_assert(LearnsThresholds<ThresholdChoice> && !LearnsThresholds<TopK> && !LearnsThresholds<ExpertChoice>);
static_assert(UsesCapacity<ExpertChoice> && !UsesCapacity<SinkhornChoice> && !UsesCapacity<TopK>);
static_assert(NeedsRowInfo<HashChoice> && NeedsRowInfo<LanguageChoice> && !NeedsRowInfo<TopK>);
static_assert(HasSharedExpert<SharedTopK> && !HasSharedExpert<TopK> && !HasSharedExpert<ExpertChoice>);

}  // namespace

TEST_CASE("the inference router determines causality and batch invariance", "[concepts]") {
  CHECK(router_is_causal<TopK>);
  CHECK_FALSE(router_is_causal<ExpertChoice>);
  CHECK(router_is_causal<TrainInfer<ExpertChoice, ThresholdChoice>>);
  CHECK_FALSE(router_is_causal<TrainInfer<TopK, ExpertChoice>>);
  CHECK_FALSE(router_is_batch_invariant<ExpertChoice>);
  CHECK(router_is_batch_invariant<TrainInfer<ExpertChoice, ThresholdChoice>>);
}

TEST_CASE("FormsOf returns the training and the inference router", "[concepts]") {
  using R = TrainInfer<TopK, SharedTopK>;
  const R routing{.train = {.k = 3}, .infer = {.k = 4, .shared = 1}};
  CHECK(FormsOf<R>::train(routing).k == 3);
  CHECK(FormsOf<R>::infer(routing).shared == 1);
  const TopK single{.k = 5};
  CHECK(&FormsOf<TopK>::train(single) == &FormsOf<TopK>::infer(single));
}

}  // namespace router_test
