#include "moe/train/walk.hpp"

#include <map>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "support/catch.hpp"

namespace walk_test {

using namespace moe;

namespace {

using Layer = CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>;

Layer small_layer() {
  return make_multipl<Layer>({.width = 8, .hidden = 12, .token_experts = 3, .segment_experts = 2, .window = 4});
}

}  // namespace

TEST_CASE("a walk visits every weight once, with the same weight of each tree", "[train]") {
  const Layer layer = small_layer();
  const Layer gradient = gradient_for(layer);
  std::map<std::string, int> seen;
  for_each_parameter(
      [&](const std::string& name, const auto& weight, const auto& slope) {
        ++seen[name];
        CHECK(weight.rows() == slope.rows());
        CHECK(weight.cols() == slope.cols());
      },
      layer, gradient);
  CHECK(seen.size() == 2 + 1 + 3 * 5);
  for (const char* name : {"token.gate.weight", "token.experts.2.down_proj.weight", "segment.gate.weight",
                           "segment.first_segment", "segment.experts.1.gate_proj.weight"})
    CHECK(seen[name] == 1);

  std::map<std::string, Index> buffers;
  for_each_buffer([&](const std::string& name, const auto& buffer) { buffers[name] = buffer.size(); }, layer);
  CHECK(buffers == std::map<std::string, Index>{{"segment.thresholds", 2}, {"segment.threshold_updates", 1}});
}

namespace {

/// A module in the older style: its prefix is a std::string.
struct OldModule {
  Linear<float, Cpu<>> inner = Linear<float, Cpu<>>::with_bias(2, 3);
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    Linear<float, Cpu<>>::visit_parameters(visit, prefix + "inner.", trees.inner...);
  }
};

}  // namespace

TEST_CASE("a walk without names visits the same tensors in the same order", "[train]") {
  const Layer layer = small_layer(), other = small_layer();
  std::vector<std::pair<const float*, const float*>> named, nameless;
  for_each_parameter([&](const std::string&, const auto& a, const auto& b) { named.emplace_back(a.data(), b.data()); },
                     layer, other);
  for_each_tensor([&](const auto& a, const auto& b) { nameless.emplace_back(a.data(), b.data()); }, layer, other);
  CHECK(nameless == named);
  CHECK(named.size() == 2 + 1 + 3 * 5);

  OldModule old;
  std::vector<Index> sizes;
  for_each_tensor([&](const auto& tensor) { sizes.push_back(tensor.size()); }, old);
  CHECK(sizes == std::vector<Index>{6, 3});
}

TEST_CASE("count_parameters counts the weights that a predicate selects", "[train]") {
  const Layer layer = small_layer();
  CHECK(count_parameters(layer, [](const std::string&) { return true; }) == 8 * (3 + 2) + 8 + 5 * 3 * 8 * 12);
  CHECK(count_parameters(layer, [](const std::string& name) { return name.ends_with("gate.weight"); }) == 8 * (3 + 2));
}

TEST_CASE("a gradient tree holds memory only for weights that train", "[train]") {
  const Layer layer = small_layer();
  Layer gradient = gradient_for(layer, [](const std::string& name) { return name.starts_with("token.experts.1."); });
  for_each_parameter(
      [&](const std::string& name, const auto& weight, auto& slope) {
        CHECK(slope.size() == (name.starts_with("token.experts.1.") ? weight.size() : 0));
        for (Index i = 0; i < slope.size(); ++i) slope.data()[i] = 1;
      },
      layer, gradient);
  set_to_zero(CpuContext{.threads = 3}, gradient);
  for_each_parameter(
      [](const std::string&, const auto& slope) {
        for (Index i = 0; i < slope.size(); ++i) CHECK(slope.data()[i] == 0);
      },
      gradient);
}

}  // namespace walk_test
