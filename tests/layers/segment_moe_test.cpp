#include "moe/layers/segment_moe.hpp"

#include "support/conformance.hpp"
#include "support/gradient_check.hpp"

namespace segment_moe_test {

using namespace moe;
using namespace moe::testing;

TEMPLATE_TEST_CASE("SegmentMoE's outputs match the reference", "[layers][conformance]", float, double) {
  Corners corners;
  for (const auto& composition : any_compositions<TestType>().segment)
    check_against_reference<TestType>(composition, "segment", corners);
  CHECK(corners.no_rows > 0);
  CHECK(corners.one_row > 0);
  CHECK(corners.one_expert > 0);
  CHECK(corners.k_is_all > 0);
  CHECK(corners.ragged > 0);
  CHECK(corners.empty_sequence > 0);
  CHECK(corners.ties > 0);
  CHECK(corners.idle_expert > 0);
  CHECK(corners.capacity_above_rows > 0);
  CHECK(corners.dropped > 0);
  CHECK(corners.empty_row > 0);
}

namespace {
const Sizes sizes{.width = 5, .hidden = 6, .experts = 3, .k = 2, .window = 3, .capacity_factor = 1.2};
}

TEMPLATE_TEST_CASE("SegmentMoE's gradients match central differences", "[layers][gradient]", (SegmentByOwnMean<double>),
                   (SegmentByPreviousMean<double>), (SegmentTopK<double>), (SegmentReleased<double>),
                   (SegmentByLine<double>), (SegmentDropping<double>), (SegmentLiteral<double>),
                   (SegmentPooledBefore<double>)) {
  auto layer = build<TestType>(sizes);
  Batch batch = Batch::ragged({7, 0, 3, 4, 1});
  const std::vector<std::int32_t> tokens = {1, 0, 0, 1, 1, 1, 0, 2, 0, 1, 2, 2, 2, 2, 0};
  batch.tokens = tokens;
  Tensor x_TD = draw_clear(layer, batch, testing::Phase::training, gradient_margin);
  check_layer_gradients(layer, x_TD, batch, 1);
}

TEST_CASE("each expert takes min(r, V) segments", "[layers]") {
  const CpuContext context{.threads = 1};
  for (std::uint32_t i = 0; i < 200; ++i) {
    Draw draw("segments an expert takes", i);
    Sizes s = sizes;
    s.experts = draw.between(1, 6);
    s.capacity_factor = 3 * draw.uniform();
    auto layer = build<SegmentByOwnMean<double>>(s);
    randomize(draw, layer);
    const Batch batch = Batch::sequences(draw.between(0, 4), s.window * draw.between(1, 6));
    const Index segments = batch.rows() / s.window;
    const auto x_TD = random_matrix<double, Cpu<>>(draw, batch.rows(), s.width);
    const Index r = std::max(Index{1}, static_cast<Index>(static_cast<double>(segments) * s.capacity_factor /
                                                          static_cast<double>(s.experts)));
    const auto load = layer.forward(context, x_TD, batch).stats.load;
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    CHECK(load == std::vector<Index>(static_cast<std::size_t>(s.experts), std::min(r, segments) * s.window));
  }
}

namespace {

/// A capacity above the number of segments.
struct TakeTen {
  Index rows_per_expert(Demand) const { return 10; }
};
/// A user's own segmenter: a line of code is a segment.
struct UntilToken {
  std::int32_t token = 10;
  bool ends_after(Index, std::int32_t last) const { return last == token; }
};

}  // namespace

TEST_CASE("a capacity above the number of segments gives every expert all of them", "[layers]") {
  const CpuContext context;
  SegmentMoE layer(FixedWindow{.window = 2}, OwnMean<double, Cpu<>>(4), ExpertChoice{}, SoftmaxOverAll{}, TakeTen{},
                   ExpertBank<Ffn<double>>(3, 4, 5));
  Draw draw("ten of three");
  randomize(draw, layer);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, 6, 4);
  CHECK(layer.forward(context, x_TD, Batch::single(6)).stats.load == std::vector<Index>{6, 6, 6});
}

TEST_CASE("a user's segmenter cuts by token, in decoding as in a whole sequence", "[layers]") {
  const CpuContext context;
  SegmentMoE layer(UntilToken{}, PreviousMean<double, Cpu<>>(4), TopK{.k = 1}, SoftmaxOverAll{}, Unlimited{},
                   ExpertBank<Ffn<double>>(3, 4, 5));
  Draw draw("lines");
  randomize(draw, layer);
  const std::vector<std::int32_t> tokens = {1, 2, 10, 3, 10, 10, 4, 5};
  const auto rows = static_cast<Index>(tokens.size());
  const auto x_TD = random_matrix<double, Cpu<>>(draw, rows, 4);
  Batch batch = Batch::single(rows);
  batch.tokens = tokens;
  CHECK(cut_into_segments(layer.routing.segmenter, batch).begin == std::vector<Index>{0, 3, 5, 6, 8});
  const auto whole = layer.infer(context, x_TD, batch);
  auto state = layer.begin_decoding(context, 1);
  for (Index t = 0; t < rows; ++t) {
    const auto y =
        layer.decode(context, x_TD.view().rows_between(t, t + 1), {&tokens[static_cast<std::size_t>(t)], 1}, state);
    CHECK(relative_deviation(values_of(whole.view().rows_between(t, t + 1)), values_of(y)) < 1e-13);
  }
}

TEST_CASE("thresholds are a moving average of training's boundaries", "[layers]") {
  const CpuContext context;
  auto layer = build<SegmentByPreviousMean<double>>(sizes);
  Draw draw("thresholds");
  randomize(draw, layer);
  const double even = layer.routing.thresholds_E.data()[1];
  CHECK(even == 1.0 / static_cast<double>(sizes.experts));
  const Batch batch = Batch::single(30);
  std::vector<std::vector<double>> boundaries;
  for (int step = 0; step < 3; ++step) {
    const auto x_TD = random_matrix<double, Cpu<>>(draw, 30, sizes.width);
    auto stats = layer.forward(context, x_TD, batch).stats;
    boundaries.push_back(values_of(stats.boundary_1E));
    layer.update_buffers(context, stats);
    layer.update_buffers(context, layer.forward(context, Tensor(0, sizes.width), Batch{}).stats);
  }
  for (std::size_t e = 0; e < 3; ++e) {
    const double expected = 0.99 * (0.99 * boundaries[0][e] + 0.01 * boundaries[1][e]) + 0.01 * boundaries[2][e];
    CHECK(layer.routing.thresholds_E.data()[e] == Catch::Approx(expected).epsilon(1e-12));
  }
}

static_assert(std::is_same_v<SegmentByPreviousMean<float>::rebind<double>, SegmentByPreviousMean<double>>);
static_assert(!SegmentByOwnMean<double>::is_causal && !SegmentByOwnMean<double>::is_batch_invariant);
static_assert(SegmentByPreviousMean<double>::is_causal && SegmentByPreviousMean<double>::is_batch_invariant);

}  // namespace segment_moe_test
