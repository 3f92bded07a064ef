#include "moe/core/trees.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"

namespace trees_test {

using namespace moe;

namespace {

using Layer = Mixtral<float, Cpu<>>;
Layer layer_of(Index experts) { return Layer({.k = 2}, {}, {}, ExpertBank<SwiGlu<float, Cpu<>>>(experts, 4, 6)); }

}  // namespace

TEST_CASE("parameter trees with different numbers of parts are refused, and the error has the numbers",
          "[concepts][misuse]") {
  const Layer eight = layer_of(8), four = layer_of(4), gradient = gradient_for(eight);
  const std::string rule = "parameter trees must agree in the number of experts, got ";
  CHECK_THROWS_WITH(require_trees("here", SameShape{}, eight, four), "[here] " + rule + "8, 4");
  CHECK_THROWS_WITH(require_trees("here", EmptyOrSameShape{}, eight, gradient, four, eight),
                    "[here] " + rule + "8, 8, 4, 8");
  // A plain walk stops before the part in which the trees differ, in either order of the trees.
  const auto walk = [](const auto& first, const auto& second) {
    for_each_parameter([](const std::string&, const auto&, const auto&) {}, first, second);
  };
  CHECK_THROWS_WITH(walk(eight, four), "[walk] " + rule + "8, 4");
  CHECK_THROWS_WITH(walk(four, eight), "[walk] " + rule + "4, 8");
  CHECK_THROWS_WITH(for_each_tensor([](const auto&, const auto&) {}, eight, four), "[walk] " + rule + "8, 4");

  using Bank = AdapterBank<float, Cpu<>>;
  CHECK_THROWS_WITH(walk(Bank(2, 3, {{}, {}}), Bank(2, 3, {{}})),
                    "[walk] parameter trees must agree in the number of adapters, got 2, 1");
}

TEST_CASE("a tensor of a different shape is refused, and the error has the shapes in all trees", "[concepts][misuse]") {
  const Layer layer = layer_of(3);
  Layer gradient = gradient_for(layer);
  CHECK_NOTHROW(require_gradient("here", layer, gradient));
  CHECK_NOTHROW(require_trees("here", SameShape{}, layer, gradient));
  gradient.bank.experts[1].up_proj = {};
  CHECK_NOTHROW(require_gradient("here", layer, gradient));
  CHECK_THROWS_WITH(require_trees("here", SameShape{}, layer, gradient),
                    "[here] tensors must have the same shape, got for experts.1.up_proj.weight: 6 x 4, empty");
  // The same number of values is not the same shape.
  gradient.bank.experts[1].up_proj = Matrix<float, Cpu<>>(4, 6);
  CHECK_THROWS_WITH(require_gradient("here", layer, gradient),
                    "[here] a gradient's tensors must be empty or of the weight's shape, got for "
                    "experts.1.up_proj.weight: 6 x 4, 4 x 6");
}

}  // namespace trees_test
