/// Compares random cases of a composition with the reference.
#pragma once

#include <algorithm>
#include <string>

#include "support/any_compositions.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"
#include "support/tolerance.hpp"

namespace moe::testing {

inline constexpr std::uint32_t conformance_cases = is_slow_build ? 300 : 10000;

/// How many cases of a run were each kind of corner case.
struct Corners {
  int no_rows = 0, one_row = 0, one_expert = 0, k_is_all = 0, ragged = 0, empty_sequence = 0, ties = 0;
  int idle_expert = 0, one_takes_all = 0, capacity_above_rows = 0, dropped = 0, empty_row = 0;
};

struct Case {
  Sizes sizes;
  Batch batch;
  std::vector<std::int32_t> tokens;
  bool ties = false, lopsided = false;
};

inline Case draw_case(Draw& draw) {
  Case c;
  c.sizes.width = draw.between(1, 6);
  c.sizes.hidden = draw.between(1, 6);
  c.sizes.experts = draw.between(1, 5);
  c.sizes.k = draw.between(1, c.sizes.experts);
  c.sizes.shared = draw.between(0, c.sizes.experts - 1);
  c.sizes.window = draw.between(1, 4);
  c.sizes.minimum = draw.between(1, 3);
  c.sizes.cap = draw.between(1, c.sizes.experts);
  c.sizes.capacity_factor = draw.one_in(8) ? 100 : 0.5 + 2 * draw.uniform();
  c.sizes.normalize = draw.one_in(2) ? NormalizeGates::before_dropping : NormalizeGates::after_dropping;
  std::vector<Index> lengths(static_cast<std::size_t>(draw.between(0, 3)));
  for (Index& length : lengths) length = draw.between(0, 5);
  if (draw.one_in(10)) lengths = {1};
  c.batch = Batch::ragged(lengths);
  c.tokens.resize(static_cast<std::size_t>(c.batch.rows()));
  for (std::int32_t& token : c.tokens) token = static_cast<std::int32_t>(draw.between(boundary_token, 2));
  if (!draw.one_in(4)) c.batch.tokens = c.tokens;
  c.ties = draw.one_in(8);
  c.lopsided = !c.ties && draw.one_in(8);
  return c;
}

/// Input and router weights of a case. Ties: integers, the same in every row, so that equal scores are bitwise
/// identical. Lopsided: one expert has by far the largest logit in every row.
template <class Layer>
Matrix<typename Layer::Value, Cpu<>> draw_values(Draw& draw, const Case& c, Layer& layer) {
  using Real = typename Layer::Value;
  randomize(draw, layer);
  auto x = random_matrix<Real, Cpu<>>(draw, c.batch.rows(), c.sizes.width);
  const Index favorite = draw.between(0, c.sizes.experts - 1);
  if (c.ties)
    for (Index r = 0; r < x.rows(); ++r)
      for (Index d = 0; d < c.sizes.width; ++d) x.view()(r, d) = static_cast<Real>(d % 3 + 1);
  if (c.lopsided)
    for (Index r = 0; r < x.rows(); ++r) x.view()(r, 0) = 2;
  Layer::visit_parameters(
      [&](const std::string& name, auto& weight) {
        const auto w = weight.view();
        if (c.ties && name.ends_with("first_segment"))
          for (Index d = 0; d < w.cols; ++d) w(0, d) = static_cast<Real>(d % 3 + 1);
        if (name.find("expert") != std::string::npos || !name.ends_with("gate.weight")) return;
        for (Index e = 0; e < w.rows; ++e)
          for (Index d = 0; d < w.cols; ++d)
            if (c.ties)
              w(e, d) = static_cast<Real>((e / 2 + d) % 2);
            else if (c.lopsided && d == 0)
              w(e, d) = e == favorite ? Real(6) : Real(-6);
      },
      std::string(), layer);
  return x;
}

/// Thresholds in the range of the scores, so that some rows are above them and some below.
template <class Layer>
void draw_thresholds(Draw& draw, Layer& layer, Index experts) {
  Layer::visit_buffers(
      [&](const std::string& name, auto& buffer) {
        if (name.ends_with("thresholds"))
          for (Index e = 0; e < experts; ++e)
            buffer.view()(0, e) =
                static_cast<typename Layer::Value>(as_float(2 * draw.uniform() / static_cast<double>(experts)));
      },
      std::string(), layer);
}

inline void note_corners(const Case& c, const reference::Decided& decided, Corners& corners) {
  const Index rows = c.batch.rows();
  corners.no_rows += rows == 0;
  corners.one_row += rows == 1;
  corners.one_expert += c.sizes.experts == 1;
  corners.k_is_all += c.sizes.experts > 1 && c.sizes.k == c.sizes.experts;
  corners.ties += c.ties && rows > 1;
  corners.capacity_above_rows += rows > 0 && c.sizes.capacity_factor > 5 * static_cast<double>(c.sizes.experts);
  for (const std::size_t length : lengths_of(c.batch)) {
    corners.empty_sequence += rows > 0 && length == 0;
    corners.ragged += length % static_cast<std::size_t>(c.sizes.window) != 0;
  }
  for (std::size_t r = 0; r < decided.kept.size(); ++r) {
    const auto kept = std::count(decided.kept[r].begin(), decided.kept[r].end(), true);
    corners.dropped += decided.kept[r] != decided.chosen[r];
    corners.empty_row += kept == 0;
  }
  for (std::size_t e = 0; rows > 1 && e < static_cast<std::size_t>(c.sizes.experts); ++e) {
    Index load = 0, others = 0;
    for (const auto& row : decided.chosen) {
      load += row[e];
      others += std::count(row.begin(), row.end(), true) - row[e];
    }
    corners.idle_expert += load == 0;
    corners.one_takes_all += load == rows && others == 0 && c.sizes.experts > 1;
  }
}

/// Rounds the values to the precision of `Held`.
template <class Held, class Real>
void round_values(View<Real, Cpu<>> view) {
  if constexpr (std::is_same_v<Held, BFloat16>)
    for (Index r = 0; r < view.rows; ++r)
      for (Real& value : view.row(r)) value = static_cast<float>(BFloat16(static_cast<float>(value)));
}
/// Rounds weights and input to the precision of `Held`; the router's weights stay as they are.
template <class Held, class Layer>
void round_to(Layer& layer, Matrix<typename Layer::Value, Cpu<>>& x) {
  round_values<Held>(x.view());
  Layer::visit_parameters(
      [&](const std::string& name, auto& weight) {
        if (name.find("experts.") != std::string::npos || name.find("fusion.") != std::string::npos ||
            name.find("shared_expert.") != std::string::npos)
          round_values<Held>(weight.view());
      },
      std::string(), layer);
}

/// The output and losses of a layer.
struct Ran {
  Index rows = 0, cols = 0;
  std::vector<double> output, inferred;
  double balance_loss = 0, z_loss = 0;
};
/// Runs the layer on the CPU.
struct OnCpu {
  template <class Real>
  Ran operator()(const Case& c, const AnyCpuLayer<Real>& layer, const Matrix<Real, Cpu<>>& x) const {
    const CpuContext context{.threads = 1};
    const auto result = layer.forward(context, x, c.batch);
    const auto answer = layer.infer(context, x, c.batch);
    REQUIRE(answer.rows() == result.output.rows());
    return {result.output.rows(), result.output.cols(),        values_of(result.output),
            values_of(answer),    result.stats.balance_loss(), result.stats.z_loss()};
  }
};

/// Runs `cases` cases of a composition, forward and infer, with `run`. The NMSE is taken over the outputs of a hundred
/// cases at a time: a single output of a few numbers can cancel to nearly 0, and then any rounding error is relatively
/// large. The tolerance is that of `Held`, the type in which the backend stores values.
template <class Held, class Real, class Run = OnCpu>
void check_against_reference(const AnyComposition<Real>& composition, std::string_view test, Corners& corners,
                             const Run& run = {}, std::uint32_t cases = conformance_cases) {
  Nmse training, inference;
  for (std::uint32_t i = 0; i < cases; ++i) {
    Draw draw(test, i);
    Case c = draw_case(draw);
    auto layer = composition.build(c.sizes);
    Matrix<Real, Cpu<>> x;
    Expected train, infer;
    for (int attempt = 0;; ++attempt) {
      // The low scores of the other experts lie close together; some shapes never reach the required margin.
      if (attempt > 20) c.lopsided = false;
      x = draw_values(draw, c, layer);
      draw_thresholds(draw, layer, c.sizes.experts);
      round_to<Held>(layer, x);
      train = composition.expected(layer, rows_of(x), c.batch, Phase::training);
      infer = composition.routes_twice ? composition.expected(layer, rows_of(x), c.batch, Phase::inference) : train;
      if (c.ties || std::min(train.decided.margin, infer.decided.margin) > Tolerance<Held>::margin) break;
    }
    note_corners(c, train.decided, corners);

    const Ran ran = run(c, layer, x);
    INFO("case " << i << " of MOE_TEST_SEED=" << seed());
    REQUIRE(ran.rows == x.rows());
    REQUIRE(ran.cols == x.cols());
    REQUIRE(std::abs(ran.balance_loss - train.balance_loss) <= Tolerance<Held>::relative * (1 + train.balance_loss));
    REQUIRE(std::abs(ran.z_loss - train.z_loss) <= Tolerance<Held>::relative * (1 + train.z_loss));
    training.add(flat(train.y), ran.output, i);
    inference.add(flat(infer.y), ran.inferred, i);
    if (i % 100 == 99) {
      INFO("cases " << i - 99 << " to " << i << ", worst: " << training.worst << " in training, " << inference.worst
                    << " in inference");
      REQUIRE(training.value() <= Tolerance<Held>::nmse);
      REQUIRE(inference.value() <= Tolerance<Held>::nmse);
      training = inference = {};
    }
  }
}

}  // namespace moe::testing
