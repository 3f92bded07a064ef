/// Wrong arguments on the emulated device: errors before the device runs anything.
#include "moe/layers/presets.hpp"
#include "moe/runtime/any_layer.hpp"
#include "moe/train/adamw.hpp"
#include "support/catch.hpp"
#include "support/composition_list.hpp"
#include "support/emulated_device.hpp"

namespace misuse_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

using B = Emulated;
using Tensor = Matrix<float, B>;
const B::Context context;
const Batch batch = Batch::sequences(3, 2);

Sizes with(Index experts, Index hidden) { return {.width = 5, .hidden = hidden, .experts = experts, .k = 2}; }

}  // namespace

TEMPLATE_TEST_CASE("wrong trees, rows and saved values are rejected on the accelerator too", "[accelerator][misuse]",
                   (Mixtral<float, B>), (on::SegmentByPreviousMean<float, B>), (CausalMultiPlMoe<float, B>)) {
  auto layer = build<TestType>(with(8, 4));
  const Tensor x(6, 5), wide(6, 7);
  auto gradient = gradient_for(layer);
  AdamWState memory(context, layer, gradient);
  CHECK_THROWS_AS(layer.forward(context, wide, batch), Error);
  CHECK_THROWS_AS(layer.infer(context, x, Batch::single(7)), Error);
  CHECK_THROWS_AS(layer.infer(context, View<const float, B>(nullptr, 6, 5), batch), Error);
  for (const Sizes& sizes : {with(4, 4), with(8, 3)}) {
    auto other = build<TestType>(sizes);
    auto wrong = gradient_for(other);
    AdamWState of_other(context, other, wrong);
    CHECK_THROWS_AS(layer.backward(context, x, {}, layer.forward(context, x, batch).saved, wrong), Error);
    CHECK_THROWS_AS(layer.backward(context, x, {}, other.forward(context, x, batch).saved, gradient), Error);
    CHECK_THROWS_AS(AdamW{}.step(context, 1e-3, 1, 1, layer, wrong, memory), Error);
    CHECK_THROWS_AS(AdamW{}.step(context, 1e-3, 1, 1, layer, gradient, of_other), Error);
  }
  auto run = layer.forward(context, x, batch);
  layer.backward(context, x, {}, std::move(run.saved), gradient);
  CHECK_THROWS_WITH(layer.backward(context, x, {}, std::move(run.saved), gradient),
                    ContainsSubstring("`saved` must be what forward of this layer returned, not consumed yet"));
  auto state = layer.begin_decoding(context, 6), few = build<TestType>(with(4, 4)).begin_decoding(context, 6);
  CHECK_NOTHROW(layer.decode(context, x, {}, state));
  CHECK_THROWS_AS(layer.decode(context, wide, {}, state), Error);
  if constexpr (!std::is_same_v<typename TestType::DecodingState, NoDecodingState>) {
    CHECK_THROWS_AS(layer.decode(context, x, {}, few), Error);
    CHECK_THROWS_AS(state.keep(context, {6}), Error);
    CHECK_THROWS_AS(state.join(context, few), Error);
  }
  CHECK_NOTHROW(AdamW{}.step(context, 1e-3, 1, 1, layer, gradient, memory));
}

TEST_CASE("AnyLayer rejects the gradients and saved values of other layers", "[accelerator][misuse]") {
  using Any = AnyLayer<float, B>;
  const Any layer(build<Mixtral<float, B>>(with(8, 4)));
  const Tensor x(6, 5);
  Any few = gradient_for(Any(build<Mixtral<float, B>>(with(4, 4))));
  CHECK_THROWS_AS(layer.backward(context, x, {}, layer.forward(context, x, batch).saved, few), Error);
  CHECK_THROWS_AS(layer.backward(context, x, {}, {}, few), Error);
}

}  // namespace misuse_test
