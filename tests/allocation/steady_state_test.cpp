/// From the third step on, a run whose loads are known before counting needs no further memory: tensors come from the
/// context's pool, and each step requests and frees the same number of small blocks. Where loads depend on scores, the
/// pool grows until it has a block of every size that they require.
#include "allocation/counting_allocator.hpp"
#include "allocation/training.hpp"
#include "support/catch.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

/// Requests to the system by one call of `act`, after two calls that are not counted.
template <class Act>
std::int64_t requests(const Act& act) {
  act();
  act();
  const auto before = allocated();
  act();
  const auto after = allocated();
  CHECK(after.blocks == before.blocks);
  CHECK(after.bytes == before.bytes);
  return after.news + after.mallocs - before.news - before.mallocs;
}

/// Lists that results own: the plan's offsets and the loads in stats, and for segments the three lists of the cut. A
/// hybrid has the offsets of both levels' plans and of the joint plan.
struct Requests {
  std::int64_t forward, infer, decode;
};
template <class Layer>
inline constexpr Requests documented = {2, 1, 1};
template <>
inline constexpr Requests documented<SegmentByPreviousMean<float>> = {5, 4, 1};
template <>
inline constexpr Requests documented<CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>> = {8, 6, 3};

/// Steps until the pool holds a block of every size that a run requests. Where an expert takes all first segments
/// together, its load depends on its scores, so a run requests several sizes.
template <class Layer>
inline constexpr int steps_to_settle = 2;
template <>
inline constexpr int steps_to_settle<SegmentByPreviousMean<float>> = 1000;
template <>
inline constexpr int steps_to_settle<CausalMultiPlMoe<float, Cpu<>, NormalizedFusion>> = 1000;

}  // namespace

TEMPLATE_LIST_TEST_CASE("steps after the second request memory for the documented lists and nothing else",
                        "[allocation]", AllocationLayers) {
  const int threads = GENERATE(1, 3);
  TrainingTrees<TestType> t(threads);
  const Requests expected = documented<TestType>;
  CHECK(requests([&] { t.step(); }) == expected.forward);
  CHECK(requests([&] { t.forward(); }) == expected.forward);
  CHECK(requests([&] { t.infer(); }) == expected.infer);
  if constexpr (TestType::is_causal) {
    auto state = t.layer.begin_decoding(t.context, t.sequences);
    Index row = 0;
    CHECK(requests([&] { t.layer.decode(t.context, t.rows_at(row++), {}, state); }) == expected.decode);
  }
  auto run = t.forward();
  CHECK(requests([&] { global_norm(t.context, t.gradient); }) == 0);
  CHECK(requests([&] { set_to_zero(t.context, t.gradient); }) == 0);
  CHECK(requests([&] { AdamW{}.step(t.context, 1e-3, 1, 1, t.layer, t.gradient, t.memory); }) == 0);
  CHECK(requests([&] { t.layer.update_buffers(t.context, run.stats); }) == 0);
}

TEMPLATE_LIST_TEST_CASE("a thousand steps allocate no additional memory", "[allocation]", AllocationLayers) {
  TrainingTrees<TestType> t(2);
  for (int i = 0; i < steps_to_settle<TestType>; ++i) t.step();
  const auto before = allocated();
  const auto kept = t.context.pool->kept();
  for (int i = 0; i < 1000; ++i) t.step();
  const auto after = allocated();
  CHECK(after.blocks == before.blocks);
  CHECK(after.bytes == before.bytes);
  CHECK(t.context.pool->kept().bytes == kept.bytes);
  CHECK(t.steps == steps_to_settle<TestType> + 1000);
}

TEST_CASE("products of large tiles make no requests to the system", "[allocation]") {
  const CpuContext context{.threads = 2};
  using Layer = SwiGlu<float, Cpu<>>;
  Layer layer(256, 256);
  Draw draw("large tiles");
  randomize(draw, layer, 0.1);
  Layer gradient = gradient_for(layer);
  const auto x_TD = random_matrix<float, Cpu<>>(draw, 256, 256);
  const Batch batch = Batch::single(256);
  const auto step = [&] {
    auto run = layer.forward(context, x_TD, batch);
    layer.backward(context, run.output, {}, std::move(run.saved), gradient);
  };
  step();
  step();
  const auto before = allocated();
  for (int i = 0; i < 3; ++i) step();
  const auto after = allocated();
  CHECK(after.news == before.news);
  CHECK(after.mallocs == before.mallocs);
  CHECK(after.blocks == before.blocks);
  CHECK(after.bytes == before.bytes);
}
