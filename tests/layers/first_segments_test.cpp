/// The first segments of all sequences are routed by one learned vector: an expert selects all of them or none, and the
/// order of the sequences in a batch changes no result.
#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "support/catch.hpp"
#include "support/compositions.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace first_segments_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Numbers = std::vector<double>;
const CpuContext context{.threads = 2};
const Sizes sizes{.width = 6, .hidden = 5, .experts = 4, .k = 2, .window = 3, .minimum = 2, .cap = 3};

/// Rows of sequences of different lengths, and the gradients of their outputs.
struct Sequences {
  std::vector<Index> lengths;
  std::vector<std::vector<Numbers>> x, d_y;  // [sequence][row][column]

  explicit Sequences(std::vector<Index> lengths_) : lengths(std::move(lengths_)) {
    Draw draw("first segments");
    for (const Index length : lengths)
      for (auto* rows : {&x, &d_y}) {
        rows->emplace_back();
        for (Index t = 0; t < length; ++t) {
          rows->back().emplace_back();
          for (Index d = 0; d < sizes.width; ++d) rows->back().back().push_back(draw.normal());
        }
      }
  }
};

/// The results of one step. Results of rows are stored by sequence, in the order of `sequences`.
struct Step {
  std::vector<std::vector<double>> y, d_x;
  Numbers gradient, load, boundary;
  double loss = 0;
};

template <class Layer>
Step step_of(const Layer& layer, const Sequences& sequences, const std::vector<std::size_t>& order) {
  std::vector<Index> lengths;
  Numbers x, d_y;
  for (const std::size_t b : order) {
    lengths.push_back(sequences.lengths[b]);
    for (const Numbers& row : sequences.x[b]) x.insert(x.end(), row.begin(), row.end());
    for (const Numbers& row : sequences.d_y[b]) d_y.insert(d_y.end(), row.begin(), row.end());
  }
  const Batch batch = Batch::ragged(lengths);
  const View<const double, B> x_TD(x.data(), batch.rows(), sizes.width), d_y_TD(d_y.data(), batch.rows(), sizes.width);
  auto gradient = gradient_for(layer);
  auto run = layer.forward(context, x_TD, batch);
  Step step{std::vector<Numbers>(order.size()), std::vector<Numbers>(order.size()), {}, {}, {}, 0};
  const auto& stats = [&]() -> const auto& {
    if constexpr (requires { run.stats.segment; })
      return run.stats.segment;
    else
      return run.stats;
  }
  ();
  step.load.assign(stats.load.begin(), stats.load.end());
  step.boundary = values_of(stats.boundary_1E);
  const Tensor d_x_TD = layer.backward(context, d_y_TD, {}, std::move(run.saved), gradient);
  for (std::size_t i = 0; i < order.size(); ++i) {
    const Index begin = batch.offsets[i], end = batch.offsets[i + 1];
    step.y[order[i]] = values_of(run.output.const_view().rows_between(begin, end));
    step.d_x[order[i]] = values_of(d_x_TD.view().rows_between(begin, end));
  }
  for (Index i = 0; i < run.output.size(); ++i)
    step.loss += run.output.data()[i] * d_y[static_cast<std::size_t>(i)] / static_cast<double>(run.output.size());
  for_each_tensor(
      [&](const auto& slope) {
        const Numbers values = values_of(slope);
        step.gradient.insert(step.gradient.end(), values.begin(), values.end());
      },
      gradient);
  return step;
}

double deviation(const Numbers& a, const Numbers& b) {
  double worst = a.size() == b.size() ? 0 : INFINITY;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
  return worst;
}

/// The step is the same in every order of the sequences.
template <class Layer>
void check_order_decides_nothing(const char* name) {
  INFO(name);
  const Sequences sequences({7, 3, 0, 9, 2, 6, 12});
  Layer layer = build<Layer>(sizes);
  Draw draw("weights of first segments");
  randomize(draw, layer, 0.7);
  std::vector<std::size_t> order(sequences.lengths.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  const Step first = step_of(layer, sequences, order);
  for (int i = 0; i < 20; ++i) {
    for (std::size_t last = order.size(); last-- > 1;)
      std::swap(order[last], order[static_cast<std::size_t>(draw.between(0, static_cast<Index>(last)))]);
    const Step other = step_of(layer, sequences, order);
    double worst = deviation(first.gradient, other.gradient);
    for (std::size_t b = 0; b < order.size(); ++b)
      worst = std::max({worst, deviation(first.y[b], other.y[b]), deviation(first.d_x[b], other.d_x[b])});
    CHECK(worst < 1e-12);
    CHECK(std::abs(first.loss - other.loss) < 1e-12);
    CHECK(first.load == other.load);
    CHECK(first.boundary == other.boundary);
  }
}

using Causal = on::SegmentByPreviousMean<double, B>;

/// Which experts take the segments that open sequences; every expert must take all of them or none.
std::vector<bool> takers_of_first(const Causal& layer, const Tensor& x_TD, const Batch& batch, bool training) {
  const auto routed = (training ? layer.routing.route<Training>(context, x_TD.view(), batch)
                                : layer.routing.route<Inference>(context, x_TD.view(), batch))
                          .saved;
  const auto chosen_VE = routed.decision.choice.chosen_RE.view();
  const auto& opens = routed.cut.segments.opens_sequence;
  std::vector<bool> takers;
  for (Index e = 0; e < chosen_VE.cols; ++e) {
    Index taken = 0, all = 0;
    for (Index v = 0; v < chosen_VE.rows; ++v) {
      if (opens[static_cast<std::size_t>(v)] == 0) continue;
      ++all;
      taken += chosen_VE(v, e) != 0;
    }
    CHECK((taken == 0 || taken == all));
    takers.push_back(taken != 0);
  }
  return takers;
}

}  // namespace

TEST_CASE("the order of the sequences in a batch changes no result of causal segment layers", "[layers][gradient]") {
  check_order_decides_nothing<CausalMultiPlMoe<double, B>>("one pass");
  check_order_decides_nothing<CausalMultiPlMoe<double, B, NormalizedFusion>>("normalized");
  check_order_decides_nothing<CausalMultiPlMoe<double, B, ChannelFusion<double, B>>>("two passes");
  check_order_decides_nothing<Causal>("segments alone");
  check_order_decides_nothing<on::SegmentByLine<double, B>>("capped");
  check_order_decides_nothing<on::SegmentPooledBefore<double, B>>("fed with segments");
}

TEST_CASE("an expert takes all first segments or none and at least r segments, and inference agrees", "[layers]") {
  Index more_than_r = 0, takers = 0;
  for (std::uint32_t i = 0; i < 200; ++i) {
    Draw draw("all or none", i);
    Causal layer = build<Causal>(sizes);
    randomize(draw, layer, 0.7);
    std::vector<Index> lengths(static_cast<std::size_t>(draw.between(1, 6)));
    for (Index& length : lengths) length = draw.between(1, 12);
    const Batch batch = Batch::ragged(lengths);
    const auto x_TD = random_matrix<double, B>(draw, batch.rows(), sizes.width);
    const auto routed = layer.routing.route<Training>(context, x_TD.view(), batch).saved;
    const auto chosen_VE = routed.decision.choice.chosen_RE.view();
    const Index r = layer.routing.capacity.rows_per_expert({chosen_VE.rows, chosen_VE.cols, chosen_VE.rows});
    for (Index e = 0; e < chosen_VE.cols; ++e) {
      Index load = 0;
      for (Index v = 0; v < chosen_VE.rows; ++v) load += chosen_VE(v, e) != 0;
      CHECK(load >= r);
      CHECK(load <= r - 1 + batch.count());
      more_than_r += load > r;
    }
    const auto in_training = takers_of_first(layer, x_TD, batch, true);
    takers += std::count(in_training.begin(), in_training.end(), true);
    // The first boundary becomes the threshold, so inference selects what training selected.
    layer.update_buffers(context, layer.forward(context, x_TD, batch).stats);
    CHECK(takers_of_first(layer, x_TD, batch, false) == in_training);
    const auto inferred = layer.routing.route<Inference>(context, x_TD.view(), batch).saved;
    for (Index v = 0; v < chosen_VE.rows; ++v)
      for (Index e = 0; e < chosen_VE.cols; ++e)
        CHECK((inferred.decision.choice.chosen_RE.view()(v, e) != 0) == (chosen_VE(v, e) != 0));
  }
  CHECK(more_than_r > 50);
  CHECK(takers > 100);
}

TEST_CASE("with a single sequence every expert takes r segments", "[layers]") {
  Draw draw("one sequence");
  Causal layer = build<Causal>(sizes);
  randomize(draw, layer, 0.7);
  const auto x_TD = random_matrix<double, B>(draw, 36, sizes.width);
  // 12 segments of 3 rows, 3 segments for each of 4 experts.
  CHECK(layer.forward(context, x_TD, Batch::single(36)).stats.load == std::vector<Index>{9, 9, 9, 9});
}

TEST_CASE("with one segment per sequence every expert takes all segments", "[layers]") {
  Draw draw("one segment each");
  Causal layer = build<Causal>(sizes);
  randomize(draw, layer, 0.7);
  const auto x_TD = random_matrix<double, B>(draw, 12, sizes.width);
  const auto run = layer.forward(context, x_TD, Batch::sequences(6, 2));
  CHECK(run.stats.load == std::vector<Index>{12, 12, 12, 12});
  // The boundary is half of the only score, so that inference takes the segments as well.
  const auto scores = values_of(run.saved.routing.decision.gates_RE.view().rows_between(0, 1));
  const auto boundary = values_of(run.stats.boundary_1E);
  for (std::size_t e = 0; e < scores.size(); ++e) CHECK(boundary[e] == scores[e] / 2);
}

}  // namespace first_segments_test
