#include "multipl_moe/reproduce/routing_measures.hpp"

#include <array>

#include "support/catch.hpp"

namespace routing_measures_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;

namespace {

constexpr std::array go_and_ruby{Language::go, Language::ruby};

RoutedSequence tokens(Language language, std::vector<double> experts) { return {language, std::move(experts), {}}; }

RoutedSequence segments(Language language, std::size_t experts, std::vector<std::vector<std::size_t>> taken) {
  return {language, std::vector<double>(experts), std::move(taken)};
}

}  // namespace

TEST_CASE("tokens are counted by language and routed expert", "[reproduce][routing]") {
  RoutedLayer layer;
  layer.token = {tokens(Language::go, {4, 0}), tokens(Language::rust, {1, 1}), tokens(Language::ruby, {0, 4}),
                 tokens(Language::ruby, {0, 2})};
  const auto sample = token_experts(layer, go_and_ruby);
  REQUIRE(sample);
  CHECK(sample->group == std::vector<std::size_t>{0, 1, 1});
  CHECK(statistics::information_bits(*sample) == Approx(1));
  CHECK_FALSE(token_experts(layer, std::array{Language::go, Language::java}));
  CHECK_FALSE(segment_experts(layer, go_and_ruby));
}

TEST_CASE("experts that take as many segments of each sequence tell the language by their positions",
          "[reproduce][routing]") {
  RoutedLayer layer;
  for (int i = 0; i < 3; ++i) {
    layer.segment.push_back(segments(Language::go, 2, {{0}, {1}, {}}));
    layer.segment.push_back(segments(Language::ruby, 2, {{1}, {0}}));
  }
  const auto sample = segment_experts(layer, go_and_ruby);
  REQUIRE(sample);
  CHECK(sample->outcomes == 2);
  CHECK(sample->counts[0].size() == 6);
  CHECK(statistics::information_bits(*sample) == Approx(1));
  // Another language that takes the same experts at each position: nothing.
  layer.segment.push_back(segments(Language::rust, 2, {{0}, {1}}));
  CHECK(statistics::information_bits(*segment_experts(layer, std::array{Language::go, Language::rust})) ==
        Approx(0).margin(1e-12));
}

TEST_CASE("the spread is how far the greatest share exceeds an even one", "[reproduce][routing]") {
  RoutedLayer layer;
  layer.token = {tokens(Language::go, {5, 5, 5, 5}), tokens(Language::ruby, {10, 5, 5, 0}),
                 tokens(Language::ruby, {10, 5, 5, 0}), tokens(Language::cpp, {9, 0, 0, 0})};
  CHECK(*expert_spread(layer, std::array{Language::go}) == Approx(0).margin(1e-12));
  CHECK(*expert_spread(layer, std::array{Language::ruby}) == Approx(1));
  CHECK(*expert_spread(layer, std::array{Language::cpp}) == Approx(3));
  // Of each language by itself: together these would be nearer to even.
  CHECK(*expert_spread(layer, go_and_ruby) == Approx(0.5));
  CHECK(*expert_spread(layer, std::array{Language::ruby, Language::go}) == Approx(0.5));
  CHECK_FALSE(expert_spread(layer, std::array{Language::java}));
}

TEST_CASE("the top positions are those that most experts take, in the mean over sequences", "[reproduce][routing]") {
  const std::vector<std::vector<double>> takers{{1, 0, 2}, {1, 0, 2}, {1, 3}};
  // Means 1, 1 and 2: the third position, and of the others the first.
  CHECK(*top_positions(takers, std::vector<double>{1, 1, 1}) == PositionPair{0, 2});
  // Without the sequences of three segments the third position is not there.
  CHECK(*top_positions(takers, std::vector<double>{0, 0, 1}) == PositionPair{0, 1});
  // Few sequences are that long, and in these it is the first.
  CHECK(*top_positions({{1, 1}, {1, 1}, {1, 1, 2}}, std::vector<double>{1, 1, 1}) == PositionPair{0, 2});
  CHECK_FALSE(top_positions({{1}}, std::vector<double>{1}));
  CHECK_FALSE(top_positions({}, std::vector<double>{}));
}

TEST_CASE("agreement is the share of top positions that languages have in common", "[reproduce][routing]") {
  CHECK(agreement_of(std::array{PositionPair{0, 1}, PositionPair{0, 1}}) == 1);
  CHECK(agreement_of(std::array{PositionPair{0, 1}, PositionPair{1, 2}}) == 0.5);
  CHECK(agreement_of(std::array{PositionPair{0, 1}, PositionPair{2, 3}}) == 0);
  CHECK(agreement_of(std::array{PositionPair{0, 1}, PositionPair{0, 1}, PositionPair{1, 2}}) == Approx(2 / 3.0));
}

TEST_CASE("resamples tell how certain a pair of positions is", "[reproduce][routing]") {
  RoutedLayer layer;
  for (int i = 0; i < 8; ++i) {
    layer.segment.push_back(segments(Language::go, 2, {{0, 1}, {0}, {}}));
    // Half of the sequences take one of the last two positions.
    layer.segment.push_back(segments(Language::ruby, 2,
                                     i % 2 == 0 ? std::vector<std::vector<std::size_t>>{{0}, {0}, {}}
                                                : std::vector<std::vector<std::size_t>>{{0}, {}, {0}}));
  }
  const auto agreement = position_agreement(layer, go_and_ruby, 400);
  REQUIRE(agreement);
  CHECK(agreement->agreement == 1);
  CHECK(agreement->resampled.size() == 400);
  // Go's are always the same; ruby's second one is the third position if it is drawn more than 4 of 8 times: 36 %.
  CHECK(agreement->same_pair == Approx(1 - 0.363 / 2).margin(0.04));
  double mean = 0;
  for (const double value : agreement->resampled) mean += value / 400;
  CHECK(mean == Approx(1 - 0.363 / 2).margin(0.04));
  CHECK_FALSE(position_agreement(layer, std::array{Language::go, Language::java}, 400));
}

}  // namespace routing_measures_test
