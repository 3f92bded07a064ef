#include "multipl_moe/report/routing_pictures.hpp"

#include "observed.hpp"
#include "support/catch.hpp"

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

TEST_CASE("beside an expert of every token the highest other share is darkest", "[report]") {
  moe::Observation seen = observed_tokens();
  for (std::size_t row = 0; row < 4; ++row) seen.kept[3 * row] = 1;
  RoutingTrace trace;
  trace[0].emplace().add(seen, 4);
  const std::vector<Picture> pictures = routing_pictures(trace);
  REQUIRE(pictures.size() == 1);
  CHECK_THAT(pictures[0].data, ContainsSubstring("1 0.5 0 \n"));
  CHECK_THAT(pictures[0].commands, ContainsSubstring("set cbrange [0:0.5]"));
}

TEST_CASE("an empty trace has no pictures", "[report]") { CHECK(routing_pictures({}).empty()); }
