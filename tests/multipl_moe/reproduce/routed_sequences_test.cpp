#include "multipl_moe/reproduce/routed_sequences.hpp"

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace routed_sequences_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using Catch::Matchers::ContainsSubstring;

namespace {

const std::string header = "language,layer,level,sequence,rows,experts,segments\n";

}  // namespace

TEST_CASE("sequences of a trace are read, without experts that process every row", "[reproduce][routing]") {
  const RoutedLayers layers = parse_sequences(header +
                                                  "rust,2,token,0,4,- 3 1,\n"
                                                  "go,2,token,0,4,- 0 4,\n"
                                                  "rust,2,segment,0,3,2 1,0 0+1 -\n"
                                                  "rust,7,segment,0,1,0 1,1\n",
                                              "s.csv");
  REQUIRE(layers.size() == 2);
  const RoutedLayer& layer = layers.at(2);
  REQUIRE(layer.token.size() == 2);
  CHECK(layer.token[0].language == Language::rust);
  CHECK(layer.token[0].experts == std::vector<double>{3, 1});
  CHECK(layer.token[1].language == Language::go);
  CHECK(layer.token[1].experts == std::vector<double>{0, 4});
  REQUIRE(layer.segment.size() == 1);
  CHECK(layer.segment[0].segments == std::vector<std::vector<std::size_t>>{{0}, {0, 1}, {}});
  CHECK(layers.at(7).token.empty());
  CHECK(layers.at(7).segment[0].segments == std::vector<std::vector<std::size_t>>{{1}});
}

TEST_CASE("a table of sequences that contradicts itself is refused with its line", "[reproduce][routing]") {
  const auto refused = [](const std::string& row, const std::string& reason) {
    CAPTURE(row);
    CHECK_THROWS_WITH(parse_sequences(header + "go,0,token,0,4,1 3,\n" + row + "\n", "s.csv"),
                      ContainsSubstring("line 3 must") && ContainsSubstring(reason));
  };
  refused("perl,0,token,0,4,1 3,", "found 'perl'");
  refused("go,0,word,0,4,1 3,", "found 'word'");
  refused("go,0,token,0,4,1 3 0,", "2, found 3");
  refused("go,0,token,0,4,- 3,", "2, found 1");
  refused("go,0,token,0,4,1 x,", "found 'x'");
  refused("go,0,token,0,4,1 5,", "up to 4, found '5'");
  refused("go,0,token,0,4,,", "found ''");
  refused("go,0,segment,0,1,1 1,", "found ''");
  refused("go,0,segment,0,2,1 1,0", "2 segments, as many as rows, found 1");
  refused("go,0,segment,0,2,1 1,0 2", "up to 1, found '2'");
  refused("go,0,segment,0,2,1 1,0 1+", "found ''");
  refused("go,0,token,0,4", "7 fields, found 5");
}

TEST_CASE("claims name layers from the bottom to the top", "[reproduce][routing]") {
  RoutedLayers layers;
  CHECK(layer_named(layers, "top") == nullptr);
  for (int layer = 4; layer < 7; ++layer) layers[layer] = {};
  CHECK(layer_named(layers, "bottom") == &layers.at(4));
  CHECK(layer_named(layers, "middle") == &layers.at(5));
  CHECK(layer_named(layers, "top") == &layers.at(6));
  layers.clear();
  for (int layer = 0; layer < 24; ++layer) layers[layer] = {};
  CHECK(layer_named(layers, "middle") == &layers.at(11));
}

}  // namespace routed_sequences_test
