/// The routers of the literature as layers: gradients, bitwise identical results for any number of threads, decoding.
#include <algorithm>
#include <tuple>
#include <vector>

#include "moe/train/upcycle.hpp"
#include "support/catch.hpp"
#include "support/composition_list.hpp"
#include "support/compositions.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace strategies_test {

using namespace moe;
using namespace moe::testing;

namespace {

const Sizes sizes{.width = 5, .hidden = 6, .experts = 4, .k = 2, .minimum = 1, .capacity_factor = 0.8};
constexpr Index rows = 30;

std::vector<std::int32_t> token_ids() {
  std::vector<std::int32_t> tokens;
  for (Index t = 0; t < rows; ++t) tokens.push_back(static_cast<std::int32_t>(t * t % 11));
  return tokens;
}

template <class Layer>
void check_strategy(const Sizes& with, const char* what) {
  INFO(what);
  Draw draw("strategy");
  Layer layer = build<Layer>(with);
  randomize(draw, layer);
  for_each_buffer(
      [&](const std::string&, auto& buffer) {
        for (Index i = 0; i < buffer.size(); ++i) buffer.data()[i] = 0.3 * draw.normal();
      },
      layer);
  auto x_TD = random_matrix<double, Cpu<>>(draw, rows, with.width);
  const auto tokens = token_ids();
  Batch batch = Batch::ragged({11, 0, rows - 11});
  batch.tokens = tokens;
  batch.random = {.seed = 3, .step = 1};
  check_layer_gradients(layer, x_TD, batch, 0.3);

  const CpuContext one{.threads = 1}, three{.threads = 3};
  CHECK(same_bits(layer.forward(one, x_TD, batch).output, layer.forward(three, x_TD, batch).output));
  const auto whole = layer.infer(one, x_TD, batch);
  CHECK(same_bits(whole, layer.infer(three, x_TD, batch)));
  if constexpr (Layer::is_causal && Layer::is_batch_invariant) {
    auto state = layer.begin_decoding(one, 1);
    for (Index t = 0; t < rows; ++t) {
      const auto y =
          layer.decode(one, x_TD.view().rows_between(t, t + 1), {&batch.tokens[static_cast<std::size_t>(t)], 1}, state);
      CHECK(relative_deviation(values_of(whole.view().rows_between(t, t + 1)), values_of(y)) <=
            Tolerance<double>::relative);
    }
  }
}

auto build_wild(const Sizes& with) { return build<on::SwitchInTraining<double, Cpu<>>>(with); }

}  // namespace

TEST_CASE("gradients of layers with every router match central differences", "[layers][gradient]") {
  for_each_composition<on::Strategies<double, Cpu<>>>(
      [&]<class Layer>() { check_strategy<Layer>(sizes, "as published"); });
}

TEST_CASE("gradients of layers that drop match central differences for every drop rule", "[layers][gradient]") {
  for (const DropBy by : {DropBy::priority, DropBy::probability, DropBy::random}) {
    Sizes with = sizes;
    with.drop = by;
    check_strategy<SwitchMoe<double, Cpu<>>>(with, "by priority, by probability or at random");
    check_strategy<GShardMoe<double, Cpu<>>>(with, "by priority, by probability or at random");
  }
}

TEST_CASE("gradients of layers with expert groups match central differences for any kept groups",
          "[layers][gradient]") {
  for (const Index kept : {1, 2, 3}) {
    Sizes with = sizes;
    with.experts = 6, with.k = std::min<Index>(3, 2 * kept), with.groups = 3, with.kept_groups = kept;
    check_strategy<DeepSeekV2Moe<double, Cpu<>>>(with, "in groups");
    check_strategy<DeepSeekV3Moe<double, Cpu<>>>(with, "in groups");
  }
}

TEST_CASE("layers of published routers have the causality and batch invariance of their rules", "[layers]") {
  STATIC_REQUIRE_FALSE(SwitchMoe<float, Cpu<>>::is_causal);
  STATIC_REQUIRE_FALSE(GShardMoe<float, Cpu<>>::is_causal);
  STATIC_REQUIRE(on::SwitchInTraining<float, Cpu<>>::is_batch_invariant);
  STATIC_REQUIRE(DeepSeekMoe<float, Cpu<>>::is_batch_invariant);
  STATIC_REQUIRE(DeepSeekV2Moe<float, Cpu<>>::is_batch_invariant);
  STATIC_REQUIRE(DeepSeekV3Moe<float, Cpu<>>::is_batch_invariant);
  STATIC_REQUIRE(HashMoe<float, Cpu<>>::is_batch_invariant);
  STATIC_REQUIRE(ReMoe<float, Cpu<>>::is_batch_invariant);
  STATIC_REQUIRE(SinkhornMoe<float, Cpu<>>::is_batch_invariant);
  STATIC_REQUIRE(on::QuantileMoe<float, Cpu<>>::is_batch_invariant);
  STATIC_REQUIRE(on::RandomMoe<float, Cpu<>>::is_causal);
  STATIC_REQUIRE_FALSE(on::RandomMoe<float, Cpu<>>::is_batch_invariant);
}

TEST_CASE("a layer without a capacity limit in inference drops in training alone", "[layers]") {
  const CpuContext context;
  Draw draw("rooms");
  auto layer = build<on::SwitchInTraining<double, Cpu<>>>(sizes);
  randomize(draw, layer);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, rows, sizes.width);
  Batch batch = Batch::single(rows);
  batch.random = {.seed = 5, .step = 0};
  const auto stats = layer.forward(context, x_TD, batch).stats;
  CHECK(stats.choices() == sizes.k * rows);
  Index dropped = 0;
  for (const Index each : stats.dropped) dropped += each;
  CHECK(dropped > 0);
  const auto inferred = layer.routing.decide<Inference>(context, x_TD.view(), {});
  CHECK(inferred.dropped.empty());
  // Jitter changes the input of the gate in training, and nothing else.
  const auto trained = layer.routing.decide<Training>(context, x_TD.view(), RowInfo::of_rows(batch));
  const double deviation = relative_deviation(values_of(inferred.logits_RE), values_of(trained.logits_RE));
  CHECK(deviation > 1e-4);
  CHECK(deviation < 0.05);
  Sizes wild = sizes;
  wild.jitter = 1;
  CHECK_THROWS_WITH(build_wild(wild), Catch::Matchers::Contains("the jitter must lie in [0, 1), got 1"));
}

TEST_CASE("ReMoE's sparsity weight follows the number of experts per row", "[layers]") {
  const CpuContext context;
  Draw draw("sparsity");
  auto layer = build<ReMoe<double, Cpu<>>>(sizes);
  randomize(draw, layer);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, rows, sizes.width);
  const double first = layer.routing.balance_weight_1.data()[0];
  CHECK(first == 1e-8);
  auto run = layer.forward(context, x_TD, Batch::single(rows));
  const double met = static_cast<double>(run.stats.choices()) / rows;
  REQUIRE(met != 2);
  // The loss is reported with its initial weight of 1e-8.
  CHECK(run.stats.balance_loss() > 0);
  CHECK(run.stats.balance_loss() < 1e-6);
  layer.update_buffers(context, run.stats);
  CHECK(layer.routing.balance_weight_1.data()[0] == Catch::Approx(met > 2 ? first * 1.2 : first / 1.2).epsilon(1e-14));
  const auto kept = layer.routing.balance_weight_1.data()[0];
  layer.update_buffers(context, layer.forward(context, Matrix<double, Cpu<>>(0, sizes.width), Batch::single(0)).stats);
  CHECK(layer.routing.balance_weight_1.data()[0] == kept);
}

TEST_CASE("a dropless layer upcycled with renormalized gates has the dense layer's output", "[layers]") {
  const CpuContext context;
  Draw draw("dense");
  SwiGlu<double, Cpu<>> dense(5, 6);
  randomize(draw, dense);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, rows, 5);
  const auto expected = values_of(dense.infer(context, x_TD, Batch::single(rows)));
  Sizes roomy = sizes;
  roomy.capacity_factor = 100;
  auto gshard = build<GShardMoe<double, Cpu<>>>(roomy);
  upcycle(context, dense, gshard, {});
  CHECK(relative_deviation(expected, values_of(gshard.infer(context, x_TD, Batch::single(rows)))) < 1e-13);
  auto random = build<on::RandomMoe<double, Cpu<>>>(sizes);
  upcycle(context, dense, random, {});
  CHECK(relative_deviation(expected, values_of(random.infer(context, x_TD, Batch::single(rows)))) < 1e-13);
}

}  // namespace strategies_test
