/// The routers of the literature as layers: gradients, the same bits for any number of threads, decoding.
#include <tuple>
#include <vector>

#include "moe/train/upcycle.hpp"
#include "support/catch.hpp"
#include "support/composition_list.hpp"
#include "support/compositions.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

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
  randomise(draw, layer);
  for_each_buffer(
      [&](const std::string&, auto& buffer) {
        for (Index i = 0; i < buffer.size(); ++i) buffer.data()[i] = 0.3 * draw.normal();
      },
      layer);
  auto x_TD = random_matrix<double, Cpu<>>(draw, rows, with.width);
  const auto tokens = token_ids();
  Batch batch = Batch::single(rows);
  batch.tokens = tokens;
  check_layer_gradients(layer, x_TD, batch, 0.3);

  const CpuContext one{.threads = 1}, three{.threads = 3};
  CHECK(same_bits(layer.forward(one, x_TD, batch).output, layer.forward(three, x_TD, batch).output));
  const auto whole = layer.infer(one, x_TD, batch);
  CHECK(same_bits(whole, layer.infer(three, x_TD, batch)));
  if constexpr (Layer::is_causal && Layer::is_batch_independent) {
    auto state = layer.begin_decoding(one, 1);
    for (Index t = 0; t < rows; ++t) {
      const auto y =
          layer.decode(one, x_TD.view().rows_between(t, t + 1), {&batch.tokens[static_cast<std::size_t>(t)], 1}, state);
      CHECK(relative_deviation(values_of(whole.view().rows_between(t, t + 1)), values_of(y)) <=
            Tolerance<double>::relative);
    }
  }
}

}  // namespace

TEST_CASE("layers of every router have the gradients of their answers", "[layers][gradient]") {
  for_each_composition<on::Strategies<double, Cpu<>>>(
      [&]<class Layer>() { check_strategy<Layer>(sizes, "as published"); });
}

TEST_CASE("layers that drop have them whomever they drop", "[layers][gradient]") {
  for (const DropBy by : {DropBy::priority, DropBy::probability, DropBy::random}) {
    Sizes with = sizes;
    with.drop = by;
    check_strategy<SwitchMoe<double, Cpu<>>>(with, "by priority, by probability or at random");
    check_strategy<GShardMoe<double, Cpu<>>>(with, "by priority, by probability or at random");
  }
}

TEST_CASE("layers whose rows choose within groups have them whatever the groups", "[layers][gradient]") {
  for (const Index kept : {1, 2, 3}) {
    Sizes with = sizes;
    with.experts = 6, with.k = 3, with.groups = 3, with.kept_groups = kept;
    check_strategy<DeepSeekV2Moe<double, Cpu<>>>(with, "in groups");
    check_strategy<DeepSeekV3Moe<double, Cpu<>>>(with, "in groups");
  }
}

TEST_CASE("what a router says of causality is what its rule allows", "[layers]") {
  STATIC_REQUIRE_FALSE(SwitchMoe<float, Cpu<>>::is_causal);
  STATIC_REQUIRE_FALSE(GShardMoe<float, Cpu<>>::is_causal);
  STATIC_REQUIRE(DeepSeekMoe<float, Cpu<>>::is_batch_independent);
  STATIC_REQUIRE(DeepSeekV2Moe<float, Cpu<>>::is_batch_independent);
  STATIC_REQUIRE(DeepSeekV3Moe<float, Cpu<>>::is_batch_independent);
  STATIC_REQUIRE(HashMoe<float, Cpu<>>::is_batch_independent);
  STATIC_REQUIRE(ReMoe<float, Cpu<>>::is_batch_independent);
  STATIC_REQUIRE(SinkhornMoe<float, Cpu<>>::is_batch_independent);
  STATIC_REQUIRE(on::QuantileMoe<float, Cpu<>>::is_batch_independent);
  STATIC_REQUIRE(on::RandomMoe<float, Cpu<>>::is_causal);
  STATIC_REQUIRE_FALSE(on::RandomMoe<float, Cpu<>>::is_batch_independent);
}

TEST_CASE("a layer upcycled with renormalised gates answers as the dense layer, dropless", "[layers]") {
  const CpuContext context;
  Draw draw("dense");
  SwiGlu<double, Cpu<>> dense(5, 6);
  randomise(draw, dense);
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
