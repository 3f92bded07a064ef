#include "multipl_moe/report/routing_pictures.hpp"

#include <fmt/format.h>

#include "observed.hpp"
#include "support/catch.hpp"

namespace routing_pictures_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("pictures hold the shares of the trace, a row for each language", "[report]") {
  RoutingTrace trace = observed_trace();
  trace[index_of(Language::cpp)] = trace[index_of(Language::rust)];
  const std::vector<Picture> pictures = routing_pictures(trace);
  std::vector<std::string> names;
  for (const Picture& picture : pictures) names.push_back(picture.name);
  CHECK(names == std::vector<std::string>{"token_experts", "segment_experts", "segment_positions_cpp",
                                          "segment_positions_rust", "segment_sharing"});
  CHECK(pictures[0].data == "$panel0 << EOD\n0.5 0.5 0 \n0.5 0.5 0 \nEOD\n");
  CHECK_THAT(pictures[0].commands, ContainsSubstring("'C++' 0, 'Rust' 1") && ContainsSubstring("'layer 2'"));
  CHECK(pictures[3].data == "$panel0 << EOD\n0.5 1 0 \n0.5 1 0 \nEOD\n");
  CHECK(pictures[4].data == "$panel0 << EOD\n0.2 0.2 \n0.4 0.4 \n0.4 0.4 \nEOD\n");
}

TEST_CASE("an expert that processes every token by design has no color and does not affect the scale", "[report]") {
  moe::Observation seen = observed_tokens();
  for (std::size_t row = 0; row < 4; ++row) seen.kept[3 * row] = 1;
  RoutingTrace trace;
  trace[0] = RoutingTally{.fixed_token_experts = {0}};
  trace[0]->add(seen, 4);
  const std::vector<Picture> pictures = routing_pictures(trace);
  REQUIRE(pictures.size() == 1);
  CHECK_THAT(pictures[0].data, ContainsSubstring("1 0.5 0 \n"));
  CHECK_THAT(pictures[0].commands, ContainsSubstring("set cbrange [0:0.5]") &&
                                       ContainsSubstring("(0||$1==0) ? NaN : $3)") && ContainsSubstring("gray"));
  // An expert that every token selects is drawn, and darkest.
  trace[0] = RoutingTally{};
  trace[0]->add(seen, 4);
  CHECK_THAT(routing_pictures(trace)[0].commands,
             ContainsSubstring("set cbrange [0:1]") && ContainsSubstring("(0) ? NaN") && !ContainsSubstring("gray"));
}

TEST_CASE("cells show their values if these fit", "[report]") {
  CHECK_THAT(routing_pictures(observed_trace())[0].commands, ContainsSubstring("sprintf('%.2f', $3)"));
  moe::Observation wide;
  wide.level = "token";
  wide.rows = 1;
  wide.experts = 60;
  wide.chosen.assign(60, 1);
  wide.kept.assign(60, 1);
  wide.gates.assign(60, 0.5);
  wide.begin = {0, 1};
  RoutingTrace trace;
  trace[0].emplace().add(wide, 1);
  CHECK_THAT(routing_pictures(trace)[0].commands, !ContainsSubstring("sprintf"));
}

TEST_CASE("few panels fill the width of the picture, and bars its height", "[report]") {
  const std::vector<Picture> pictures = routing_pictures(observed_trace());
  CHECK(pictures[0].width >= 700);
  // The panel's right edge, 130 pixels from the picture's.
  CHECK_THAT(pictures[0].commands,
             ContainsSubstring(fmt::format("set rmargin at screen {:.5f}", 1 - 130.0 / pictures[0].width)));
  // The highest bar is 0.4.
  CHECK_THAT(pictures.back().commands, ContainsSubstring("set yrange [0:0.4]"));
}

TEST_CASE("an empty trace has no pictures", "[report]") { CHECK(routing_pictures({}).empty()); }

}  // namespace routing_pictures_test
