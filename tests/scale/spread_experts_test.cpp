/// Layers whose experts live on several ranks: the results must be those of one rank that has all experts and takes the
/// ranks' rows one after the other.
#include "moe/experts/place.hpp"

#include <limits>

#include "scale/spread_check.hpp"
#include "support/catch.hpp"

namespace spread_experts_test {

using namespace moe;
using namespace moe::testing;

namespace {

/// Every expert on the last rank; or in descending order of ranks, so that rows are sorted before they leave.
Placement skewed(Index experts, int ranks) {
  Placement placement = Placement::blocks(experts, ranks);
  for (int& owner : placement.owner) owner = ranks - 1;
  return placement;
}
Placement descending(Index experts, int ranks) {
  Placement placement = Placement::blocks(experts, ranks);
  for (std::size_t e = 0; e < placement.owner.size(); ++e)
    placement.owner[e] = (ranks - 1) - static_cast<int>(e) % ranks;
  return placement;
}
std::vector<Placement> placements(Index experts, int ranks) {
  return {Placement::blocks(experts, ranks), Placement::round_robin(experts, ranks, {0}), skewed(experts, ranks),
          descending(experts, ranks), Placement::blocks(experts, ranks, {0, experts - 1})};
}

/// Sequences of one length on each rank; the last of three ranks or more has none.
std::vector<RankBatch> batches_for(Draw& draw, int ranks, Index width, Index length) {
  std::vector<RankBatch> batches;
  for (int rank = 0; rank < ranks; ++rank)
    batches.emplace_back(draw, std::vector<Index>(rank == 2 ? 0 : static_cast<std::size_t>(1 + (rank + 1) % 2), length),
                         width);
  return batches;
}

template <class Compare>
void compare_compositions(const Sizes& sizes, Index length, const std::vector<int>& counts_of_ranks,
                          const Compare& compare) {
  std::uint32_t number = 0;
  for (const auto& composition : any_compositions<double>().all()) {
    for (const int ranks : counts_of_ranks) {
      Draw draw("spread", number);
      const auto make = [&] {
        Draw weights("spread weights", number);
        auto layer = composition.build(sizes);
        randomize(weights, layer);
        return layer;
      };
      const auto batches = batches_for(draw, ranks, sizes.width, length);
      const auto layer = make();
      const SpreadRun alone = run_alone(layer, batches, 3);
      const auto places = placements(layer.experts(), ranks);
      for (std::size_t i = 0; i < places.size(); ++i) {
        INFO("composition " << number << ", " << ranks << " ranks, placement " << i);
        compare(alone, run_spread(make, places[i], batches, 3));
      }
    }
    ++number;
  }
}

}  // namespace

TEST_CASE("spread experts give the results of one rank", "[scale]") {
  const Sizes sizes{.width = 5, .hidden = 6, .experts = 3, .k = 2, .shared = 1, .window = 3};
  compare_compositions(sizes, 7, {1, 2, 3, 4}, [](const SpreadRun& alone, const SpreadRun& spread) {
    for (std::size_t rank = 0; rank < alone.ranks.size(); ++rank) {
      INFO("rank " << rank);
      const RankResult &one = alone.ranks[rank], &other = spread.ranks[rank];
      CHECK(difference(values_of(one.y_TD), values_of(other.y_TD)) < 1e-12);
      CHECK(difference(values_of(one.d_x_TD), values_of(other.d_x_TD)) < 1e-12);
      CHECK(difference(values_of(one.inferred_TD), values_of(other.inferred_TD)) < 1e-12);
      CHECK(difference(one.decoded, other.decoded) < 1e-12);
      CHECK(one.balance_loss == other.balance_loss);
      CHECK(one.z_loss == other.z_loss);
    }
    REQUIRE(alone.gradient.size() == spread.gradient.size());
    for (const auto& [name, values] : alone.gradient) {
      INFO(name);
      CHECK(difference(values, spread.gradient.at(name)) < 1e-12);
    }
  });
}

TEST_CASE("spread experts give the bits of one rank where every expert has more than 8 rows", "[scale]") {
  const Sizes sizes{.width = 4, .hidden = 5, .experts = 2, .k = 2, .shared = 1, .window = 2};
  compare_compositions(sizes, 40, {2, 3}, [](const SpreadRun& alone, const SpreadRun& spread) {
    for (std::size_t rank = 0; rank < alone.ranks.size(); ++rank) {
      INFO("rank " << rank);
      CHECK(same_bits(alone.ranks[rank].y_TD, spread.ranks[rank].y_TD));
      CHECK(same_bits(alone.ranks[rank].d_x_TD, spread.ranks[rank].d_x_TD));
    }
  });
}

TEST_CASE("with packed weights spread experts give the bits of one rank for any number of rows", "[scale]") {
  const Sizes sizes{.width = 5, .hidden = 6, .experts = 3, .k = 2, .shared = 1, .window = 3};
  const auto& list = any_compositions<double>();
  for (const auto& composition : {list.token.front(), list.hybrid[2]}) {
    Draw draw("packed");
    const auto make = [&] {
      Draw weights("packed weights");
      auto layer = composition.build(sizes);
      randomize(weights, layer);
      return layer;
    };
    const auto batches = batches_for(draw, 3, sizes.width, 7);
    const auto layer = make();
    const SpreadRun alone = run_alone(layer, batches, 3, Weights::packed);
    for (const Placement& placement : placements(layer.experts(), 3)) {
      const SpreadRun spread = run_spread(make, placement, batches, 3, Weights::packed);
      for (std::size_t rank = 0; rank < 3; ++rank) {
        INFO("rank " << rank);
        CHECK(same_bits(alone.ranks[rank].y_TD, spread.ranks[rank].y_TD));
        CHECK(same_bits(alone.ranks[rank].inferred_TD, spread.ranks[rank].inferred_TD));
        CHECK(alone.ranks[rank].decoded == spread.ranks[rank].decoded);
      }
    }
  }
}

}  // namespace spread_experts_test
