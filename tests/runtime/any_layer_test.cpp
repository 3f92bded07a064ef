#include "moe/runtime/any_layer.hpp"

#include <utility>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace any_layer_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Any = AnyLayer<double, B>;
const CpuContext context{.threads = 2};
constexpr MultiPlSettings small{
    .width = 6, .hidden = 5, .token_experts = 3, .segment_experts = 3, .k = 2, .shared = 1, .window = 4};

/// A layer that is not causal, a causal one, and one without segments.
Any looking_ahead() { return Any(make_multipl<MultiPlMoe<double, B>>(small)); }
Any causal() { return Any(make_multipl<CausalMultiPlMoe<double, B, NormalizedFusion>>(small)); }
Any mixtral() { return Any(Mixtral<double, B>(TopK{.k = 2}, {}, {}, ExpertBank<SwiGlu<double, B>>(3, 6, 5))); }

}  // namespace

TEST_CASE("AnyLayer reports the properties of its layer and returns it by type", "[runtime]") {
  Any layer = causal();
  CHECK(layer.width() == 6);
  CHECK(layer.is_causal());
  CHECK_FALSE(looking_ahead().is_causal());
  REQUIRE(layer.as<CausalMultiPlMoe<double, B, NormalizedFusion>>() != nullptr);
  CHECK(layer.as<SwiGlu<double, B>>() == nullptr);
}

TEST_CASE("AnyLayer is upcycled only from a dense FFN of its experts' type", "[runtime]") {
  using X = Glu<Gelu, double, B, WithBiases>;
  Draw draw("any layer of other experts");
  X dense(6, 5);
  randomize(draw, dense);
  const auto layer = [] { return Any(Mixtral<double, B, X>(TopK{.k = 2}, {}, {}, ExpertBank<X>(3, 6, 5))); };
  Any from_type = layer(), from_any = layer();
  upcycle(context, dense, from_type, {.seed = 3});
  const auto x_TD = random_matrix<double, B>(draw, 13, 6);
  const auto y_TD = dense.infer(context, x_TD, Batch::single(13));
  CHECK(relative_deviation(values_of(y_TD), values_of(from_type.infer(context, x_TD, Batch::single(13)))) < 1e-12);
  upcycle(context, Any(std::move(dense)), from_any, {.seed = 3});
  CHECK(same_bits(from_any.infer(context, x_TD, Batch::single(13)), from_type.infer(context, x_TD, Batch::single(13))));
  CHECK_THROWS_WITH(upcycle(context, SwiGlu<double, B>(6, 5), from_any, {}),
                    "[upcycle] the dense FFN must be of the type of the layer's experts, got one of another type");
  CHECK_THROWS_WITH(upcycle(context, Any(), from_any, {}), Catch::Matchers::StartsWith("[AnyLayer::upcycle] a layer"));
}

TEST_CASE("AnyLayer trains, upcycles and decodes as the layer that it holds", "[runtime]") {
  Draw draw("any layer");
  SwiGlu<double, B> dense(6, 5);
  randomize(draw, dense);
  Any layer = causal();
  upcycle(context, dense, layer, {.seed = 3});
  const auto x_TD = random_matrix<double, B>(draw, 13, 6);
  auto run = layer.forward(context, x_TD, Batch::ragged({8, 5}));
  CHECK(relative_deviation(values_of(dense.infer(context, x_TD, Batch::ragged({8, 5}))), values_of(run.output)) <
        1e-12);
  layer.update_buffers(context, run.stats);

  Any gradient = gradient_for(layer);
  AdamWState memory(context, layer, gradient);
  layer.backward(context, x_TD, {}, std::move(run.saved), gradient);
  CHECK(global_norm(context, gradient) > 0);
  AdamW{}.step(context, 1e-3, 1, 1, layer, gradient, memory);
  CHECK(relative_deviation(values_of(run.output), values_of(layer.infer(context, x_TD, Batch::ragged({8, 5})))) > 1e-6);

  const auto whole = layer.infer(context, x_TD, Batch::ragged({8, 5}));
  auto state = layer.begin_decoding(context, 1);
  for (Index t = 0; t < 8; ++t) {
    const auto y = layer.decode(context, x_TD.view().rows_between(t, t + 1), {}, state);
    CHECK(relative_deviation(values_of(whole.view().rows_between(t, t + 1)), values_of(y)) < 1e-12);
  }
}

TEST_CASE("AnyLayer prefills in one pass, and its sequences join and leave", "[runtime]") {
  Draw draw("any layer's sequences");
  auto own = make_multipl<CausalMultiPlMoe<double, B, NormalizedFusion>>(small);
  randomize(draw, own);
  const Any layer(std::move(own));
  const auto x_TD = random_matrix<double, B>(draw, 22, 6);
  const auto x = x_TD.view();
  const auto whole = layer.infer(context, x_TD, Batch::sequences(2, 11));
  auto state = layer.begin_decoding(context, 1), more = layer.begin_decoding(context, 1);
  const auto first = layer.prefill(context, x.rows_between(0, 10), Batch::single(10), state);
  CHECK(relative_deviation(values_of(whole.view().rows_between(0, 10)), values_of(first)) < 1e-12);
  // Six rows: one complete window of four, and two rows of the next.
  int told = 0;
  CpuContext observed = context;
  observed.observer = [&](const Observation&) { ++told; };
  layer.infer(observed, x.rows_between(11, 17), Batch::single(6));
  const int told_by_infer = std::exchange(told, 0);
  layer.prefill(observed, x.rows_between(11, 17), Batch::single(6), more);
  CHECK(told == told_by_infer);
  state.join(context, more);
  state.keep(context, {1});
  const auto y = layer.decode(context, x.rows_between(17, 18), {}, state);
  CHECK(relative_deviation(values_of(whole.view().rows_between(17, 18)), values_of(y)) < 1e-12);
  CHECK_THROWS_WITH(layer.prefill(context, x.rows_between(0, 4), Batch::sequences(2, 2), state),
                    "[HybridMoE::prefill] the batch has 2 sequences, the state has 1 sequence");
  CHECK_THROWS_WITH(state.join(context, mixtral().begin_decoding(context, 1)),
                    "[AnyLayer::DecodingState::join] the states must be of layers of the same type");
}

TEST_CASE("AnyLayer passes the languages of decoded rows to its layer", "[runtime]") {
  Draw draw("any layer's languages");
  auto own = make_mole(SwiGlu<double, B>(6, 5), {.languages = 2, .language_rank = 1, .shared_rank = 2});
  randomize(draw, own);
  const Any spoken(std::move(own));
  const auto x_TD = random_matrix<double, B>(draw, 4, 6);
  const std::vector<std::int32_t> languages = {-1, 1, 1, 0};
  Batch batch = Batch::single(4);
  batch.languages = languages;
  const auto whole = spoken.infer(context, x_TD, batch);
  auto state = spoken.begin_decoding(context, 1), deaf = spoken.begin_decoding(context, 1);
  for (Index t = 0; t < 4; ++t) {
    // Set only where it changes.
    if (t != 2) spoken.set_languages({&languages[static_cast<std::size_t>(t)], 1}, state);
    const auto x_1D = x_TD.view().rows_between(t, t + 1);
    const auto expected = values_of(whole.view().rows_between(t, t + 1));
    CHECK(relative_deviation(expected, values_of(spoken.decode(context, x_1D, {}, state))) < 1e-12);
    CHECK((relative_deviation(expected, values_of(spoken.decode(context, x_1D, {}, deaf))) < 1e-12) == (t == 0));
  }
  spoken.set_languages({}, state);
  CHECK(same_bits(spoken.decode(context, x_TD.view().rows_between(0, 1), {}, state),
                  spoken.decode(context, x_TD.view().rows_between(0, 1), {}, deaf)));
  // Languages are unknown again after sequences have joined or left.
  spoken.set_languages({languages.data() + 1, 1}, state);
  state.join(context, deaf);
  spoken.set_languages({languages.data() + 1, 2}, state);
  const auto both = spoken.decode(context, x_TD.view().rows_between(1, 3), {}, state);
  CHECK(relative_deviation(values_of(whole.view().rows_between(1, 3)), values_of(both)) < 1e-12);
  state.keep(context, {0});
  CHECK(same_bits(spoken.decode(context, x_TD.view().rows_between(0, 1), {}, state),
                  spoken.decode(context, x_TD.view().rows_between(0, 1), {}, deaf)));
  CHECK(same_bits(spoken.prefill(context, x_TD, batch, state), whole));
  // A layer without languages ignores them.
  const Any other = mixtral();
  auto none = other.begin_decoding(context, 1);
  other.set_languages(languages, none);
  CHECK(same_bits(other.decode(context, x_TD.view().rows_between(0, 1), {}, none),
                  other.infer(context, x_TD.view().rows_between(0, 1), Batch::single(1))));
}

TEST_CASE("AnyLayer refuses what its layer does not support", "[runtime][misuse]") {
  Any layer = looking_ahead(), other = mixtral(), dense(SwiGlu<double, B>(6, 5));
  CHECK_THROWS_WITH(layer.begin_decoding(context, 1),
                    "[AnyLayer::begin_decoding] the layer is not causal and cannot decode row by row");
  auto state = other.begin_decoding(context, 1);
  CHECK_THROWS_WITH(layer.prefill(context, Tensor(4, 6), Batch::single(4), state),
                    "[AnyLayer::prefill] the layer is not causal and cannot decode row by row");
  const Tensor x_TD(13, 6);
  auto run = layer.forward(context, x_TD, Batch::ragged({8, 5}));
  CHECK_THROWS_WITH(layer.backward(context, x_TD, {}, std::move(run.saved), other),
                    "[AnyLayer::backward] the gradient must hold a layer of the same type");
  CHECK_THROWS_WITH(upcycle(context, SwiGlu<double, B>(6, 5), dense, {}), "[upcycle] a dense layer has no experts");
}

}  // namespace any_layer_test
