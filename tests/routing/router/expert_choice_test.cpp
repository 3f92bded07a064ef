#include "moe/routing/router/expert_choice.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include "moe/backend/cpu/pool.hpp"
#include "support/catch.hpp"

namespace expert_choice_test {

using namespace moe;

namespace {

/// A backend with two operations that records the arguments of top_rows: the router leaves the ranking of rows to the
/// backend.
struct Notes {
  static constexpr bool is_host = true;
  template <class Value>
  using Buffer = cpu::Buffer<Value>;
  struct Context {
    std::shared_ptr<cpu::Pool> pool = std::make_shared<cpu::Pool>();
    std::vector<double>* scores = nullptr;
    Index* take = nullptr;
  };
  using Team = TeamOfOne;
  template <class F>
  static void for_each_row(const Context&, Index rows, const F& f) {
    for (Index r = 0; r < rows; ++r) f(r, Team{});
  }
  template <class Real>
  static void top_rows(const Context& context, View<Real, Notes> scores_RE, Index take, View<ChoiceOrder, Notes>,
                       View<Real, Notes>) {
    *context.take = take;
    for (Index r = 0; r < scores_RE.rows; ++r)
      context.scores->insert(context.scores->end(), scores_RE.row(r).begin(), scores_RE.row(r).end());
  }
};

}  // namespace

TEST_CASE("experts compare softmax scores over the experts of a row, not logits", "[policies]") {
  std::vector<double> scores;
  Index take = 0;
  const Notes::Context context{.scores = &scores, .take = &take};
  std::vector<double> z = {0, 0, 5, 5, std::log(3.0), 0};
  ExpertChoice{}.choose<Notes, double>(context, {z.data(), 3, 2}, 2, {}, {});
  CHECK(take == 2);
  const std::vector<double> expected = {.5, .5, .5, .5, .75, .25};
  REQUIRE(scores.size() == expected.size());
  for (std::size_t i = 0; i < scores.size(); ++i) CHECK(scores[i] == Catch::Approx(expected[i]).epsilon(1e-14));
}

}  // namespace expert_choice_test
