#include "moe/routing/router/language_choice.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/router/router.hpp"
#include "moe/routing/steps/choose.hpp"
#include "support/catch.hpp"
#include "support/rows.hpp"

namespace language_choice_test {

using namespace moe;
using namespace moe::testing;

static_assert(ContextRowRouter<LanguageChoice> && !PlainRowRouter<LanguageChoice>);
static_assert(router_is_causal<LanguageChoice> && router_is_batch_invariant<LanguageChoice>);

namespace {
std::vector<ChoiceOrder> chosen_for(std::int32_t language) {
  const std::vector<double> logits(5, 9.0);
  std::vector<ChoiceOrder> chosen(5, 99);
  LanguageChoice{.languages = 3}.choose(row(logits), row(chosen), RowContext<double>{.language = language});
  return chosen;
}
}  // namespace

TEST_CASE("a row of code selects its language's expert first, then the shared one", "[policies]") {
  CHECK(chosen_for(0) == std::vector<ChoiceOrder>{1, 0, 0, 2, 0});
  CHECK(chosen_for(2) == std::vector<ChoiceOrder>{0, 0, 1, 2, 0});
}

TEST_CASE("a row of no language, or of an unknown one, selects only the expert for other rows", "[policies]") {
  for (const std::int32_t language : {-1, 3, 4, -7, 1 << 30})
    CHECK(chosen_for(language) == std::vector<ChoiceOrder>{0, 0, 0, 0, 1});
}

TEST_CASE("with 0 languages every row selects the expert for other rows", "[policies]") {
  const std::vector<float> logits(2);
  std::vector<ChoiceOrder> chosen(2, 99);
  LanguageChoice{.languages = 0}.choose(row(logits), row(chosen), RowContext<float>{.language = 0});
  CHECK(chosen == std::vector<ChoiceOrder>{0, 1});
  CHECK(LanguageChoice{.languages = 0}.experts() == 2);
}

TEST_CASE("the batch's languages reach the router, and without them every row is prose", "[policies]") {
  const CpuContext context;
  const Matrix<double, Cpu<>> logits(3, 5);
  const std::vector<std::int32_t> languages = {1, -1, 2};
  const LanguageChoice router{.languages = 3};
  const auto spoken = route<double, Cpu<>>(context, router, Unlimited{}, logits.view(), {}, {{}, languages});
  const auto silent = route<double, Cpu<>>(context, router, Unlimited{}, logits.view(), {}, {});
  for (Index t = 0; t < 3; ++t)
    for (Index e = 0; e < 5; ++e) {
      CHECK(spoken.chosen_RE.view()(t, e) ==
            chosen_for(languages[static_cast<std::size_t>(t)])[static_cast<std::size_t>(e)]);
      CHECK(silent.chosen_RE.view()(t, e) == (e == 4 ? 1 : 0));
    }
}

}  // namespace language_choice_test
