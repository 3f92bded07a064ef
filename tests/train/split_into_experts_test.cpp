#include "moe/train/split_into_experts.hpp"

#include <cmath>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/glu.hpp"
#include "moe/layers/presets.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace split_into_experts_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Layer = Qwen15Moe<float, Cpu<>>;
using Ffn = SwiGlu<float, Cpu<>>;
const CpuContext context{.threads = 1};

Ffn drawn(Index width, Index hidden) {
  Draw draw("split into experts");
  Ffn dense(width, hidden);
  randomize(draw, dense, 0.3);
  return dense;
}
Layer layer_of(Index experts, Index width, Index hidden, Index shared) {
  return Layer(TopK{.k = 4}, {}, {}, ExpertBank<Ffn>(experts, width, hidden), {width, shared});
}

/// The output of the first `channels` channels of an FFN.
std::vector<double> answer_of(const Ffn& ffn, Index channels, const Matrix<float, Cpu<>>& x_TD) {
  Ffn part(ffn.width(), channels);
  detail::take_channels(context, ffn, 0, channels, part);
  return values_of(part.infer(context, x_TD, Batch::single(x_TD.rows())));
}

}  // namespace

TEST_CASE("the outputs of a dense FFN's parts add up to its own, and the shared expert has all parts", "[train]") {
  // 22 channels in four parts: 6, 6, 6 and 4.
  const Ffn dense = drawn(8, 22);
  Layer layer = layer_of(9, 8, 7, 28);
  split_into_experts(context, dense, layer, 4, {.seed = 3});
  Draw draw("split into experts, x");
  const auto x_TD = random_matrix<float, Cpu<>>(draw, 11, 8);
  const auto expected = values_of(dense.infer(context, x_TD, Batch::single(11)));
  for (const Index first : {Index{0}, Index{4}}) {
    std::vector<double> sum(expected.size());
    for (Index e = first; e < first + 4; ++e) {
      const auto part = answer_of(layer.bank.experts[static_cast<std::size_t>(e)], e % 4 == 3 ? 4 : 6, x_TD);
      for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += part[i];
    }
    CHECK(relative_deviation(expected, sum) < 1e-6);
  }
  CHECK(relative_deviation(expected, answer_of(layer.shared_path.ffn, 22, x_TD)) < 1e-6);
  // Expert 8 starts over with part 0.
  CHECK(answer_of(layer.bank.experts[8], 6, x_TD) == answer_of(layer.bank.experts[0], 6, x_TD));
}

TEST_CASE("the outputs of the parts of an FFN with biases add up too", "[train]") {
  using X = Glu<Gelu, float, Cpu<>, WithBiases>;
  Draw draw("split into experts with biases");
  X dense(8, 22);
  randomize(draw, dense, 0.3);
  Qwen15Moe<float, Cpu<>, X> layer(TopK{.k = 4}, {}, {}, ExpertBank<X>(4, 8, 6), {8, 22});
  split_into_experts(context, dense, layer, 4, {.seed = 3, .router_deviation = 0});
  const auto x_TD = random_matrix<float, Cpu<>>(draw, 11, 8);
  const auto answer = [&](const X& ffn) { return values_of(ffn.infer(context, x_TD, Batch::single(11))); };
  const auto expected = answer(dense);
  std::vector<double> sum(expected.size());
  for (const X& part : layer.bank.experts) {
    const auto of_part = answer(part);
    for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += of_part[i];
  }
  CHECK(relative_deviation(expected, sum) < 1e-6);
  CHECK(relative_deviation(expected, answer(layer.shared_path.ffn)) < 1e-6);
}

TEST_CASE("channels beyond an expert's part, and the gates, are drawn separately for each", "[train]") {
  const Ffn dense = drawn(64, 128);
  Layer layer = layer_of(8, 64, 64, 160);
  split_into_experts(context, dense, layer, 4, {.seed = 3, .router_deviation = 0.5}, "mlp.");
  const auto deviation = [](View<const float, Cpu<>> view) {
    double squares = 0;
    for (const double value : values_of<float, Cpu<>>(view)) squares += value * value;
    return std::sqrt(squares / static_cast<double>(view.size()));
  };
  const Ffn &a = layer.bank.experts[1], &b = layer.bank.experts[5];
  for (const View<const float, Cpu<>> view :
       {a.gate_proj.view().rows_between(32, 64), a.up_proj.view().rows_between(32, 64),
        a.down_proj.view().cols_between(32, 64), layer.routing.gate.weight.const_view(),
        layer.shared_path.gate.weight.const_view(), layer.shared_path.ffn.up_proj.const_view().rows_between(128, 160)})
    CHECK(deviation(view) == Catch::Approx(0.5).epsilon(0.2));
  CHECK(values_of<float, Cpu<>>(a.up_proj.view().rows_between(0, 32)) ==
        values_of<float, Cpu<>>(b.up_proj.view().rows_between(0, 32)));
  CHECK(values_of<float, Cpu<>>(a.up_proj.view().rows_between(32, 64)) !=
        values_of<float, Cpu<>>(b.up_proj.view().rows_between(32, 64)));
  Layer again = layer_of(8, 64, 64, 160), noisy = layer_of(8, 64, 64, 160), elsewhere = layer_of(8, 64, 64, 160);
  split_into_experts(context, dense, again, 4, {.seed = 3, .router_deviation = 0.5}, "mlp.");
  split_into_experts(context, dense, noisy, 4, {.seed = 3, .noise_deviation = 0.1}, "mlp.");
  split_into_experts(context, dense, elsewhere, 4, {.seed = 3, .router_deviation = 0.5}, "other.");
  CHECK(same_bits(again.bank.experts[3].down_proj, layer.bank.experts[3].down_proj));
  CHECK_FALSE(same_bits(noisy.bank.experts[1].up_proj, noisy.bank.experts[5].up_proj));
  CHECK_FALSE(same_bits(elsewhere.routing.gate.weight, layer.routing.gate.weight));
}

TEST_CASE("experts that cannot hold their parts are refused", "[train][misuse]") {
  const Ffn dense = drawn(8, 22);
  const auto split = [&](Layer layer, Index shards = 4, Upcycling start = {}) {
    split_into_experts(context, dense, layer, shards, start);
  };
  CHECK_THROWS_WITH(split(layer_of(4, 7, 6, 22)), "[split_into_experts] the dense FFN is 8 wide, the layer 7");
  CHECK_THROWS_WITH(split(layer_of(4, 8, 6, 22), 0),
                    "[split_into_experts] the FFN must be cut into at least 1 part, got 0");
  CHECK_THROWS_WITH(split(layer_of(4, 8, 5, 22)),
                    "[split_into_experts] a part of the dense FFN has 6 channels, an expert 5");
  CHECK_THROWS_WITH(split(layer_of(4, 8, 6, 21)),
                    "[split_into_experts] the dense FFN has 22 channels, the shared expert 21");
  CHECK_THROWS_AS(split(layer_of(4, 8, 6, 22), 4, {.noise_deviation = -1}), Error);
}

}  // namespace split_into_experts_test
