/// Wrong shapes at every public entry: an error that names rule and values, and a layer that works afterwards.
#include <stdexcept>

#include "moe/experts/mlp.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/compositions.hpp"

namespace misuse_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Tensor = Matrix<double, Cpu<>>;
const CpuContext context{.threads = 2};
const Sizes sizes{.width = 5, .hidden = 4, .experts = 3, .k = 2, .window = 2};

template <class Layer>
struct Entry;
template <>
struct Entry<Mixtral<double, Cpu<>>> {
  static constexpr const char *name = "TokenMoE", *reader = "the gate expects";
};
template <>
struct Entry<SegmentByPreviousMean<double>> {
  static constexpr const char *name = "SegmentMoE", *reader = "the gate expects";
};
template <>
struct Entry<CausalMultiPlMoe<double, Cpu<>>> {
  static constexpr const char *name = "HybridMoE", *reader = "the gates expect";
};
template <>
struct Entry<SwiGlu<double, Cpu<>>> {
  static constexpr const char *name = "SwiGlu", *reader = "its weights expect";
};

template <>
struct Entry<Mlp<Relu, double, Cpu<>>> {
  static constexpr const char *name = "Mlp", *reader = "its weights expect";
};

template <class Layer>
Layer make() {
  if constexpr (Expert<Layer>)
    return Layer(sizes.width, sizes.hidden);
  else
    return build<Layer>(sizes);
}

}  // namespace

TEMPLATE_TEST_CASE("a wrong shape is refused with its numbers, and the layer still works", "[layers][misuse]",
                   (Mixtral<double, Cpu<>>), SegmentByPreviousMean<double>, (CausalMultiPlMoe<double, Cpu<>>),
                   (SwiGlu<double, Cpu<>>)) {
  using Is = Entry<TestType>;
  const std::string name = Is::name, reader = Is::reader;
  Draw draw("misuse");
  TestType layer = make<TestType>();
  randomize(draw, layer);
  const auto x = random_matrix<double, Cpu<>>(draw, 6, 5);
  const Tensor wide(6, 7), c = random_matrix<double, Cpu<>>(draw, 6, 5);
  const Batch batch = Batch::sequences(3, 2);
  const auto step = [&] {
    TestType gradient = gradient_for(layer);
    auto run = layer.forward(context, x, batch);
    return std::pair(std::move(run.output), layer.backward(context, c, {}, std::move(run.saved), gradient));
  };
  const auto before = step();

  CHECK_THROWS_AS(layer.forward(context, wide, batch), Error);
  CHECK_THROWS_WITH(layer.forward(context, wide, batch), "[" + name + "::forward] x has 7 columns, " + reader + " 5");
  CHECK_THROWS_WITH(layer.forward(context, wide.copy(), batch),
                    "[" + name + "::forward] x has 7 columns, " + reader + " 5");
  CHECK_THROWS_WITH(layer.infer(context, wide, batch), "[" + name + "::infer] x has 7 columns, " + reader + " 5");
  CHECK_THROWS_WITH(layer.forward(context, x, Batch::single(7)),
                    "[" + name + "::forward] x has 6 rows, the batch describes 7");
  const std::vector<std::int32_t> four(4);
  Batch spoken = batch;
  spoken.tokens = four;
  CHECK_THROWS_WITH(layer.forward(context, x, spoken),
                    "[" + name + "::forward] x has 6 rows, the batch has 4 token ids");
  spoken.tokens = {};
  spoken.languages = four;
  CHECK_THROWS_WITH(layer.infer(context, x, spoken), "[" + name + "::infer] x has 6 rows, the batch has 4 languages");

  TestType gradient = gradient_for(layer);
  CHECK_THROWS_WITH(layer.backward(context, wide, {}, layer.forward(context, x, batch).saved, gradient),
                    "[" + name + "::backward] d_y is 6 x 7, x was 6 x 5");
  CHECK_THROWS_WITH(layer.backward(context, Tensor(5, 5), {}, layer.forward(context, x, batch).saved, gradient),
                    "[" + name + "::backward] d_y is 5 x 5, x was 6 x 5");
  for_each_parameter(
      [](const std::string&, const auto& d_weight) {
        for (const double value : values_of<double, Cpu<>>(d_weight.view())) CHECK(value == 0);
      },
      gradient);

  const auto after = step();
  CHECK(same_bits(before.first, after.first));
  CHECK(same_bits(before.second, after.second));
}

namespace {

template <class Layer, class Saved>
concept TakesSaved = requires(const Layer& layer, const Tensor& d_y, Saved saved, Layer& gradient) {
  layer.backward(context, d_y, {}, static_cast<Saved>(saved), gradient);
};
template <class Layer>
concept Decodes = requires(const Layer& layer, const Tensor& x, typename Layer::DecodingState& state) {
  layer.begin_decoding(context, 1);
  layer.prefill(context, x, Batch(), state);
  layer.decode(context, x, {}, state);
};

/// Generic code can query what a layer's signatures allow.
template <class Layer, bool decodes>
void check_signatures() {
  using Saved = typename Layer::Saved;
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<Layer>);
  STATIC_REQUIRE(!std::is_copy_constructible_v<Layer>);
  STATIC_REQUIRE(TakesSaved<Layer, Saved&&>);
  STATIC_REQUIRE(!TakesSaved<Layer, Saved&>);
  STATIC_REQUIRE(!TakesSaved<Layer, const Saved&&>);
  STATIC_REQUIRE(!TakesSaved<Layer, typename Mixtral<float, Cpu<>>::Saved&&>);
  STATIC_REQUIRE(Decodes<Layer> == decodes);
}

}  // namespace

TEST_CASE("a layer's type has only the functions that the layer supports", "[layers][misuse]") {
  check_signatures<Mixtral<double, Cpu<>>, true>();
  check_signatures<Dropping<double>, false>();
  check_signatures<SegmentByPreviousMean<double>, true>();
  check_signatures<SegmentByOwnMean<double>, false>();
  check_signatures<CausalMultiPlMoe<double, Cpu<>>, true>();
  check_signatures<MultiPlMoe<double, Cpu<>>, false>();
}

TEST_CASE("decode refuses rows that do not match the state, and leaves the state unchanged", "[layers][misuse]") {
  Draw draw("misuse of decoding");
  auto layer = build<SegmentByPreviousMean<double>>(sizes);
  randomize(draw, layer);
  const auto x = random_matrix<double, Cpu<>>(draw, 2, 5);
  const Tensor three(3, 5), wide(2, 7);
  const std::vector<std::int32_t> one(1);
  auto tried = layer.begin_decoding(context, 2), untried = layer.begin_decoding(context, 2);
  CHECK_THROWS_WITH(layer.decode(context, three, {}, tried),
                    "[SegmentMoE::decode] x has 3 rows, the state has 2 sequences");
  CHECK_THROWS_WITH(layer.decode(context, wide, {}, tried), "[SegmentMoE::decode] x has 7 columns, the gate expects 5");
  CHECK_THROWS_WITH(layer.decode(context, x, one, tried), "[SegmentMoE::decode] x has 2 rows, got 1 token id");
  for (int t = 0; t < 5; ++t)
    CHECK(same_bits(layer.decode(context, x, {}, tried), layer.decode(context, x, {}, untried)));
}

TEMPLATE_TEST_CASE("decoding checks its arguments in the same way in every layer", "[layers][misuse]",
                   (Mixtral<double, Cpu<>>), SegmentByPreviousMean<double>, (CausalMultiPlMoe<double, Cpu<>>),
                   (SwiGlu<double, Cpu<>>), (Mlp<Relu, double, Cpu<>>)) {
  using Is = Entry<TestType>;
  const std::string name = Is::name, reader = Is::reader;
  Draw draw("arguments of decoding");
  TestType layer = make<TestType>();
  randomize(draw, layer);
  const auto x = random_matrix<double, Cpu<>>(draw, 4, 5);
  const Tensor wide(4, 7);
  const std::vector<std::int32_t> three(3, 1), unknown{1, -1, -2, 1};
  CHECK_THROWS_WITH(layer.begin_decoding(context, -1),
                    "[" + name + "::begin_decoding] the number of sequences must not be negative, got -1");
  auto no_sequences = layer.begin_decoding(context, 0);
  CHECK(layer.decode(context, Tensor(0, 5), {}, no_sequences).rows() == 0);

  auto state = layer.begin_decoding(context, 4);
  CHECK_THROWS_WITH(layer.prefill(context, wide, Batch::sequences(4, 1), state),
                    "[" + name + "::prefill] x has 7 columns, " + reader + " 5");
  CHECK_THROWS_WITH(layer.prefill(context, x, Batch::sequences(4, 2), state),
                    "[" + name + "::prefill] x has 4 rows, the batch describes 8");
  Batch descending = Batch::sequences(4, 1);
  descending.offsets[1] = 3;
  CHECK_THROWS_WITH(layer.prefill(context, x, descending, state),
                    "[" + name + "::prefill] the batch's offsets must never descend, got 2 after 3");
  CHECK_THROWS_WITH(layer.decode(context, wide, {}, state), "[" + name + "::decode] x has 7 columns, " + reader + " 5");
  CHECK_THROWS_WITH(layer.decode(context, View<const double, Cpu<>>(nullptr, 4, 5), {}, state),
                    "[" + name + "::decode] x must point to its rows, got a null pointer for 4 x 5");
  CHECK_THROWS_WITH(layer.decode(context, x, three, state), "[" + name + "::decode] x has 4 rows, got 3 token ids");
  CHECK_THROWS_WITH(layer.decode(context, x, unknown, state),
                    "[" + name + "::decode] token ids must be -1 (unknown) or not negative, got -2 for row 2");
  auto untried = layer.begin_decoding(context, 4);
  CHECK(same_bits(layer.decode(context, x, {}, state), layer.decode(context, x, {}, untried)));
}

TEST_CASE("TokenMoE and HybridMoE refuse rows that they cannot decode", "[layers][misuse]") {
  Draw draw("misuse of decoding");
  auto token = build<Mixtral<double, Cpu<>>>(sizes);
  auto hybrid = build<CausalMultiPlMoe<double, Cpu<>>>(sizes);
  randomize(draw, token);
  randomize(draw, hybrid);
  const auto x = random_matrix<double, Cpu<>>(draw, 2, 5);
  const Tensor three(3, 5), wide(2, 7);
  const std::vector<std::int32_t> one(1);
  auto none = token.begin_decoding(context, 2);
  CHECK_THROWS_WITH(token.decode(context, wide, {}, none), "[TokenMoE::decode] x has 7 columns, the gate expects 5");
  CHECK_THROWS_WITH(token.decode(context, x, one, none), "[TokenMoE::decode] x has 2 rows, got 1 token id");

  auto tried = hybrid.begin_decoding(context, 2), untried = hybrid.begin_decoding(context, 2);
  CHECK_THROWS_WITH(hybrid.decode(context, three, {}, tried),
                    "[HybridMoE::decode] x has 3 rows, the state has 2 sequences");
  CHECK_THROWS_AS(hybrid.decode(context, wide, {}, tried), Error);
  for (int t = 0; t < 5; ++t)
    CHECK(same_bits(hybrid.decode(context, x, {}, tried), hybrid.decode(context, x, {}, untried)));
}

namespace {

/// A user's router that throws for a large logit.
struct Breaks {
  template <class Real>
  void choose(Row<const Real> logits_E, Row<ChoiceOrder> chosen_E) const {
    for (ChoiceOrder& order : chosen_E) order = 1;
    if (logits_E[0] > 100) throw std::runtime_error("router");
  }
};

}  // namespace

TEST_CASE("an exception of a router leaves the threads and reaches the caller", "[layers][misuse]") {
  TokenMoE layer(Breaks{}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<Ffn<double>>(2, 2, 3));
  Draw draw("throwing router");
  randomize(draw, layer);
  layer.routing.gate.weight.view()(0, 0) = 1000;
  // Enough rows for several tiles.
  auto x = random_matrix<double, Cpu<>>(draw, 200, 2, 0.01);
  for (Index t = 0; t < 200; ++t) x.view()(t, 0) = -1;
  const auto before = layer.infer(context, x, Batch::single(200));
  auto bad = x.copy();
  for (const Index t : {3, 90, 199}) bad.view()(t, 0) = 1;
  CHECK_THROWS_WITH(layer.forward(context, bad, Batch::single(200)), "router");
  CHECK_THROWS_WITH(layer.infer(context, bad, Batch::single(200)), "router");
  CHECK(same_bits(layer.infer(context, x, Batch::single(200)), before));
}

TEST_CASE("NaN and infinity in a row do not change other rows", "[layers][misuse]") {
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  auto layer = build<Mixtral<double, Cpu<>>>(sizes);
  Draw draw("not a number");
  randomize(draw, layer);
  auto x = random_matrix<double, Cpu<>>(draw, 4, 5);
  const auto before = layer.infer(context, x, Batch::single(4));
  for (const double bad : {nan, inf}) {
    x.view()(2, 1) = bad;
    const auto y = layer.infer(context, x, Batch::single(4));
    CHECK(std::isnan(y.view()(2, 0)));
    for (const Index t : {0, 1, 3})
      for (Index d = 0; d < 5; ++d) CHECK(y.view()(t, d) == Catch::Approx(before.view()(t, d)).epsilon(1e-12));
  }
  // Rows that compete with one that is not finite: every expert takes as many rows as its capacity.
  auto competing = build<TokenExpertChoice<double>>(sizes);
  randomize(draw, competing);
  const auto load = competing.forward(context, x, Batch::single(4)).stats.load;
  CHECK(load == std::vector<Index>(3, 1));
}

}  // namespace misuse_test
