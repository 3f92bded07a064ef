/// Layers that draw random numbers: the key that they use, and the error without a key.
#include <limits>
#include <string>
#include <vector>

#include "compiled_layers/compiled_layers.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "support/catch.hpp"
#include "support/composition_list.hpp"
#include "support/compositions.hpp"
#include "support/tolerance.hpp"

namespace layers_random_test {

using namespace moe;
using namespace moe::testing;

namespace {

/// One expert per row at random, as a user would write it.
struct Lottery {
  template <class Real>
  MOE_HOST_DEVICE void choose(Row<const Real>, Row<ChoiceOrder> chosen_E, RandomRowContext<Real> row) const {
    for (ChoiceOrder& order : chosen_E) order = 0;
    const auto words = random_words(row.random, static_cast<std::uint64_t>(row.row));
    chosen_E[words[0] % static_cast<std::uint32_t>(chosen_E.size)] = 1;
  }
};
/// Expert choice over logits with noise, as a user would write it.
struct NoisyChoice {
  template <class B, class Real>
  void choose(const typename B::Context& context, View<const Real, B> logits_RE, Index take,
              View<ChoiceOrder, B> chosen_RE, View<Real, B> boundary_1E, RowsContext<B> rows) const {
    auto noisy = Matrix<Real, B>::uninitialized(context, logits_RE.rows, logits_RE.cols);
    B::for_each_cell(context, logits_RE.rows, logits_RE.cols,
                     [=, key = rows.random(), noisy_RE = noisy.view()] MOE_ON_DEVICE(Index r, Index e) {
                       const auto pair = static_cast<std::uint64_t>(r * logits_RE.cols + e);
                       noisy_RE(r, e) = logits_RE(r, e) + static_cast<Real>(random_normal(key, pair));
                     });
    B::top_rows(context, View<const Real, B>(noisy.view()), take, chosen_RE, boundary_1E);
  }
};
/// Reads a random key without declaring a RandomRowContext.
struct Forgetful {
  void choose(auto, auto chosen_E, auto row) const { chosen_E[0] = row.random.seed != 0; }
};

using B = Cpu<>;
using Bank = ExpertBank<Ffn<double>>;
const CpuContext context{.threads = 2};
const Sizes sizes{.width = 5, .hidden = 6, .experts = 8, .k = 2, .minimum = 1, .capacity_factor = 0.8};
constexpr Index rows = 40;

Matrix<double, B> input() {
  Draw draw("input of layers that draw");
  return random_matrix<double, B>(draw, rows, sizes.width);
}
Batch batch_with(std::optional<StepKey> key) {
  Batch batch = Batch::sequences(4, rows / 4);
  batch.random = key;
  return batch;
}
template <class Layer>
Layer made(const Sizes& with = sizes) {
  Layer layer = build<Layer>(with);
  Draw draw("weights of layers that draw");
  randomize(draw, layer);
  return layer;
}

using RandomTokens = on::RandomMoe<double, B>;
using RandomSegments =
    SegmentMoE<FixedWindow, PreviousMean<double, B>, RandomChoice, SoftmaxOverAll, Unlimited, Ffn<double>>;
using RandomHybrid = HybridMoE<RandomTokens, RandomSegments, FixedFusion>;
using RandomSegmentsAlone = HybridMoE<Mixtral<double, B>, RandomSegments, ChannelFusion<double, B>>;

template <class Context>
concept HasKey = requires(Context row) {
  row.random;
};
static_assert(HasKey<RandomRowContext<float>> && !HasKey<RowContext<float>>);
static_assert(RandomRowRouter<RandomChoice> && RandomRowRouter<GShardChoice> && RandomRowRouter<Lottery>);
// Such a router is called with a RowContext, so its layer does not compile.
static_assert(ContextRowRouter<Forgetful> && !RandomRowRouter<Forgetful>);
static_assert(!RandomRowRouter<TopK> && !RandomRowRouter<ThresholdChoice> && !RandomRowRouter<HashChoice>);
static_assert(ContextMatrixRouter<NoisyChoice> && !PlainMatrixRouter<NoisyChoice>);

/// Every entry of training refuses the batch, and the error names the part that draws and the field to set.
template <class Layer>
void check_refused(const Layer& layer, const std::string& part) {
  INFO(part);
  const auto x_TD = input();
  const std::string message = "[forward] " + part +
                              " draws random numbers in training, and the batch has no key for them: set batch.random "
                              "= {.seed = ..., .step = ...}, with another step for every forward";
  CHECK_THROWS_WITH(layer.forward(context, x_TD, batch_with({})), message);
  CHECK_THROWS_AS(layer.forward(context, x_TD.copy(), batch_with({})), Error);
  CHECK_NOTHROW(layer.forward(context, x_TD, batch_with(StepKey{})));
  CHECK_NOTHROW(layer.infer(context, x_TD, batch_with({})));
}

std::vector<ChoiceOrder> chosen(const auto& layer, Batch batch, const CpuContext& base = context) {
  std::vector<ChoiceOrder> all;
  CpuContext watched = base;
  watched.observer = [&](const Observation& seen) { all.insert(all.end(), seen.kept.begin(), seen.kept.end()); };
  layer.forward(watched, input(), batch);
  return all;
}

}  // namespace

TEST_CASE("a layer that draws random numbers refuses to train on a batch without a key", "[layers][random]") {
  check_refused(made<RandomTokens>(), "the router");
  check_refused(made<GShardMoe<double, B>>(), "the router");
  check_refused(made<on::SwitchInTraining<double, B>>(), "the jitter");
  check_refused(made<RandomSegments>(), "the router");
  check_refused(made<RandomHybrid>(), "the router");
  check_refused(made<RandomSegmentsAlone>(), "the router");
  Sizes at_random = sizes;
  at_random.drop = DropBy::random;
  check_refused(made<SwitchMoe<double, B>>(at_random), "the capacity");
  check_refused(TokenMoE(Lottery{}, SoftmaxOverAll{}, Unlimited{}, Bank(4, 5, 6)), "the router");
  check_refused(TokenMoE(TrainInfer<NoisyChoice, TopK>{}, SoftmaxOverAll{}, SegmentCapacity{}, Bank(4, 5, 6)),
                "the router");
  check_refused(
      LoraFfn<Lottery, double, B>(Lottery{}, Ffn<double>(5, 6), {{.rank = 2, .scale = 1}, {.rank = 2, .scale = 1}}),
      "the router");
  const Registry<double, B> registry;
  check_refused(registry.make({.architecture = "gshard",
                               .settings = {.width = 5, .hidden = 6, .token_experts = 4, .k = 2},
                               .random_choice = true}),
                "the router");
}

TEST_CASE("settings without randomness need no key", "[layers][random]") {
  const auto x_TD = input();
  const auto check_runs = [&](const auto& layer) {
    CHECK(same_bits(layer.forward(context, x_TD, batch_with({})).output,
                    layer.forward(context, x_TD, batch_with(StepKey{.seed = 9, .step = 4})).output));
  };
  Sizes still = sizes;
  still.jitter = 0;
  check_runs(made<on::SwitchInTraining<double, B>>(still));
  check_runs(GShardMoe<double, B>({{.k = 2, .keep = std::numeric_limits<double>::infinity()}, {.k = 2}}, {}, {},
                                  Bank(4, 5, 6)));
  for (const DropBy by : {DropBy::position, DropBy::priority, DropBy::probability}) {
    Sizes with = sizes;
    with.drop = by;
    check_runs(made<SwitchMoe<double, B>>(with));
  }
  const Registry<double, B> registry;
  check_runs(registry.make({.architecture = "gshard",
                            .settings = {.width = 5, .hidden = 6, .token_experts = 4, .k = 2},
                            .expert_capacity = 0.5}));
}

TEST_CASE("different keys draw different numbers, and the same key the same numbers again", "[layers][random]") {
  const auto check = [](const auto& layer) {
    const auto first = chosen(layer, batch_with(StepKey{.seed = 1, .step = 1}));
    CHECK(chosen(layer, batch_with(StepKey{.seed = 1, .step = 1})) == first);
    CHECK(chosen(layer, batch_with(StepKey{.seed = 1, .step = 1}), {.threads = 1}) == first);
    CHECK(chosen(layer, batch_with(StepKey{.seed = 1, .step = 2})) != first);
    CHECK(chosen(layer, batch_with(StepKey{.seed = 2, .step = 1})) != first);
    CHECK(chosen(layer, batch_with(StepKey{.seed = 1, .step = 1}), {.threads = 2, .layer = 1}) != first);
  };
  check(made<RandomTokens>());
  check(made<RandomSegments>());
  check(made<GShardMoe<double, B>>());
  Sizes with = sizes;
  with.jitter = 0.9;
  check(made<on::SwitchInTraining<double, B>>(with));
  with.drop = DropBy::random;
  check(made<SwitchMoe<double, B>>(with));
  check(TokenMoE(TrainInfer<NoisyChoice, TopK>{}, SoftmaxOverAll{}, SegmentCapacity{}, Bank(4, 5, 6)));
}

TEST_CASE("a training loop with a new step for every pass uses all experts", "[layers][random]") {
  const auto layer = made<RandomTokens>();
  const auto x_TD = input();
  Batch batch = Batch::single(1);
  std::vector<Index> load(static_cast<std::size_t>(sizes.experts), 0);
  for (Index step = 1; step <= 200; ++step) {
    batch.random = {.seed = 1, .step = step};
    const auto stats = layer.forward(context, x_TD.view().rows_between(0, 1), batch).stats;
    for (std::size_t e = 0; e < load.size(); ++e) load[e] += stats.load[e];
  }
  // 50 expected of 200, with a deviation of 6.
  for (const Index times : load) CHECK((times > 25 && times < 75));
}

TEST_CASE("the levels of a layer draw different random numbers", "[layers][random]") {
  // Segments of one row, so that both levels route the same number of rows.
  Sizes with = sizes;
  with.window = 1;
  const auto layer = made<RandomHybrid>(with);
  std::vector<std::vector<ChoiceOrder>> levels;
  const CpuContext watched{.threads = 1, .observer = [&](const Observation& seen) { levels.push_back(seen.chosen); }};
  layer.forward(watched, input(), batch_with(StepKey{}));
  REQUIRE(levels.size() == 2);
  CHECK(levels[0] != levels[1]);
}

TEST_CASE("inference draws from the batch's key, or the same numbers in every call without one", "[layers][random]") {
  const auto layer = made<RandomTokens>();
  const auto x_TD = input();
  const auto y_TD = layer.infer(context, x_TD, batch_with({}));
  CHECK(same_bits(layer.infer(context, x_TD, batch_with({})), y_TD));
  CHECK(same_bits(layer.infer(context, x_TD, batch_with(StepKey{})), y_TD));
  CHECK_FALSE(same_bits(layer.infer(context, x_TD, batch_with(StepKey{.seed = 1, .step = 0})), y_TD));
  CHECK(same_bits(layer.forward(context, x_TD, batch_with(StepKey{})).output, y_TD));
  // In decoding a row's index in the call is its sequence's number, and there is no batch with a key.
  auto state = layer.begin_decoding(context, rows);
  CHECK(relative_deviation(values_of(y_TD), values_of(layer.decode(context, x_TD, {}, state))) < 1e-14);
  CHECK(relative_deviation(values_of(y_TD), values_of(layer.decode(context, x_TD, {}, state))) < 1e-14);
}

}  // namespace layers_random_test
