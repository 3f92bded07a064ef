#include "moe/routing/noisy_top_k.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

#include "moe/core/routing_recorder.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/fusion/channel_fusion.hpp"
#include "moe/fusion/fixed_fusion.hpp"
#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/routing/normalizer/softmax_over_all.hpp"
#include "moe/routing/segmenter/fixed_window.hpp"
#include "moe/runtime/any_layer.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/upcycle.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/reference_moe.hpp"

namespace noisy_top_k_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Ffn = SwiGlu<double, B>;
using Layer = TokenMoE<NoisyTopK<double, B>, Ffn>;
using reference::Rows;

constexpr Index rows = 9, width = 5, hidden = 6, experts = 4;
const CpuContext context{.threads = 1};

Batch drawn_from(std::uint64_t seed, Batch batch = Batch::ragged({4, 0, 5})) {
  batch.random = {.seed = seed, .step = 2};
  return batch;
}
Layer layer_of(Index k, Index count = experts) {
  return {NoisyTopK<double, B>(k, width, count), ExpertBank<Ffn>(count, width, hidden)};
}
auto segment_level() {
  return SegmentMoE(FixedWindow{.window = 2}, PreviousMean<double, B>(width), TopK{.k = 1}, SoftmaxOverAll{},
                    Unlimited{}, ExpertBank<Ffn>(3, width, hidden));
}

/// Whether no two logits of a row are so close that a finite-difference step could swap them.
bool is_clear(const Tensor& logits_TE) {
  for (Index t = 0; t < logits_TE.rows(); ++t)
    for (Index e = 0; e < logits_TE.cols(); ++e)
      for (Index other = 0; other < e; ++other)
        if (std::abs(logits_TE.view()(t, e) - logits_TE.view()(t, other)) < gradient_margin) return false;
  return true;
}
/// Random weights, and an input for which all logits that `logits_of(saved)` returns are clear.
template <class L, class... LogitsOf>
Tensor drawn_clear(L& layer, const Batch& batch, const LogitsOf&... logits_of) {
  for (std::uint32_t attempt = 0;; ++attempt) {
    Draw draw("noisy top-k", attempt);
    randomize(draw, layer, 0.7);
    Tensor x_TD = random_matrix<double, B>(draw, batch.rows(), width);
    const auto run = layer.forward(context, x_TD, batch);
    if ((is_clear(logits_of(run.saved)) && ...)) return x_TD;
  }
}
const auto noisy_of_layer = [](const auto& saved) -> const Tensor& { return saved.routing.noisy_TE; };

Rows rows_of(const Tensor& m) {
  Rows result;
  for (Index r = 0; r < m.rows(); ++r) result.emplace_back(m.view().row(r).begin(), m.view().row(r).end());
  return result;
}

/// The paper's equations in plain loops.
struct Paper {
  Rows output;
  double importance = 0, load = 0, z = 0;

  Paper(const Layer& layer, const Tensor& x_TD, RandomKey key, bool trains) {
    const Rows gate = rows_of(layer.routing.gate.weight), noise = rows_of(layer.routing.noise.weight);
    const std::size_t count = gate.size(), k = static_cast<std::size_t>(layer.routing.k);
    std::vector<double> gates_sum(count, 0), load_sum(count, 0);
    std::uint64_t next = 0;
    for (const auto& x : rows_of(x_TD)) {
      const auto clean = reference::product(gate, x), n = reference::product(noise, x);
      std::vector<double> h = clean, deviation(count);
      for (std::size_t e = 0; e < count; ++e) {
        deviation[e] = std::log(1 + std::exp(n[e]));
        if (trains) h[e] += random_normal(key, next++) * deviation[e];
      }
      // Eqs. 3 and 5: the softmax over the k largest; all others are set to minus infinity.
      double total = 0;
      std::vector<double> g(count, 0);
      for (std::size_t e = 0; e < count; ++e)
        if (count == k || h[e] > kth_excluding(h, k, e)) total += g[e] = std::exp(h[e]);
      output.emplace_back(x.size(), 0.0);
      for (std::size_t e = 0; e < count; ++e) {
        g[e] /= total;
        gates_sum[e] += g[e];
        load_sum[e] +=
            count == k ? 1 : std::erfc(-(clean[e] - kth_excluding(h, k, e)) / deviation[e] / std::sqrt(2.0)) / 2;
        const Ffn& expert = layer.bank.experts[e];
        const auto answer =
            reference::ffn({rows_of(expert.gate_proj), rows_of(expert.up_proj), rows_of(expert.down_proj)}, x);
        for (std::size_t d = 0; d < x.size(); ++d) output.back()[d] += g[e] * answer[d];
      }
      double sum = 0;
      for (const double c : clean) sum += std::exp(c);
      z += std::log(sum) * std::log(sum) / static_cast<double>(x_TD.rows());
    }
    importance = squared_variation(gates_sum);
    load = squared_variation(load_sum);
  }

  static double kth_excluding(std::vector<double> v, std::size_t k, std::size_t e) {
    v.erase(v.begin() + static_cast<std::ptrdiff_t>(e));
    std::sort(v.begin(), v.end(), std::greater<>());
    return v[k - 1];
  }
  static double squared_variation(const std::vector<double>& v) {
    const auto n = static_cast<double>(v.size());
    const double mean = std::accumulate(v.begin(), v.end(), 0.0) / n;
    double variance = 0;
    for (const double one : v) variance += (one - mean) * (one - mean) / n;
    return variance / (mean * mean);
  }
};

void check_rows(const Tensor& answered, const Rows& expected) {
  REQUIRE(answered.rows() == static_cast<Index>(expected.size()));
  for (Index t = 0; t < answered.rows(); ++t)
    for (Index d = 0; d < answered.cols(); ++d)
      CHECK(answered.view()(t, d) ==
            Catch::Approx(expected[static_cast<std::size_t>(t)][static_cast<std::size_t>(d)]).margin(1e-12));
}

}  // namespace

TEST_CASE("NoisyTopK's outputs and losses match the paper's equations", "[routing][conformance]") {
  for (const Index count : {Index{1}, experts, Index{6}})
    for (Index k = 1; k <= count; ++k) {
      INFO(k << " of " << count);
      Layer layer = layer_of(k, count);
      const Batch batch = drawn_from(11);
      const Tensor x_TD = drawn_clear(layer, batch, noisy_of_layer);
      CpuContext third = context;
      third.layer = 3;
      const auto run = layer.forward(third, x_TD, batch);
      const Paper paper(layer, x_TD, batch.random->of_layer(3), true);
      check_rows(run.output, paper.output);
      CHECK(run.stats.importance_loss() == Catch::Approx(paper.importance).margin(1e-14));
      CHECK(run.stats.load_loss() == Catch::Approx(paper.load).margin(1e-14));
      CHECK(run.stats.balance_loss() == Catch::Approx(paper.importance + paper.load).margin(1e-14));
      CHECK(run.stats.z_loss() == Catch::Approx(paper.z));
      CHECK(run.stats.rows == rows);
      CHECK(std::accumulate(run.stats.load.begin(), run.stats.load.end(), Index{0}) == rows * k);
      check_rows(layer.infer(context, x_TD, batch), Paper(layer, x_TD, {}, false).output);
      if (k == count) CHECK(run.stats.load_loss() == 0);
    }
}

TEST_CASE("NoisyTopK's gradients match central differences", "[routing][gradient]") {
  using D = Layer::LossGradients;
  for (const Index k : {Index{1}, Index{2}, experts}) {
    INFO("k " << k);
    Layer layer = layer_of(k);
    const Batch batch = drawn_from(12);
    Tensor x_TD = drawn_clear(layer, batch, noisy_of_layer);
    const auto check = [&](const D& d) {
      INFO("importance " << d.importance << ", load " << d.load << ", z " << d.z);
      check_layer_gradients_of(layer, x_TD, batch, d, [&](const Layer::Stats& stats) {
        return d.importance * stats.importance_loss() + d.load * stats.load_loss() + d.z * stats.z_loss();
      });
    };
    check({});
    check({.importance = 3});
    check({.load = 3});
    check({.z = 0.5});
    check({.importance = 1.5, .load = 2.5, .z = 0.3});
    check_layer_gradients(layer, x_TD, batch, 1.7);
  }
}

TEST_CASE("NoisyTopK's gradients inside HybridMoE match central differences", "[routing][gradient]") {
  const Batch batch = drawn_from(13);
  SECTION("in one pass") {
    HybridMoE layer(layer_of(2), segment_level(), FixedFusion{.token = 0.7, .segment = 0.4});
    STATIC_REQUIRE(decltype(layer)::runs_in_one_pass);
    Tensor x_TD = drawn_clear(
        layer, batch, [](const auto& saved) -> const Tensor& { return saved.routing.token.noisy_TE; },
        [](const auto& saved) -> const Tensor& { return saved.routing.segment.decision.logits_RE; });
    check_layer_gradients(layer, x_TD, batch, 1.7);
    CHECK(layer.forward(context, x_TD, batch).stats.token.load_loss() > 0);
  }
  SECTION("in two") {
    HybridMoE layer(layer_of(2), segment_level(), ChannelFusion<double, B>(width, 0.6, 0.5));
    STATIC_REQUIRE_FALSE(decltype(layer)::runs_in_one_pass);
    Tensor x_TD = drawn_clear(
        layer, batch, [](const auto& saved) -> const Tensor& { return saved.token.routing.noisy_TE; },
        [](const auto& saved) -> const Tensor& { return saved.segment.routing.decision.logits_RE; });
    check_layer_gradients(layer, x_TD, batch, 1.7);
  }
}

TEST_CASE("NoisyTopK's decoding matches infer, alone and inside HybridMoE", "[routing]") {
  const auto check = [](auto layer) {
    Draw draw("noisy top-k decodes");
    randomize(draw, layer, 0.7);
    constexpr Index sequences = 3, length = 7, start = 3;
    const auto x_TD = random_matrix<double, B>(draw, sequences * length, width);
    const Tensor whole_TD = layer.infer(context, x_TD, Batch::sequences(sequences, length));
    Tensor begun_TD(sequences * start, width), next_BD(sequences, width);
    const auto copy_rows = [&](Tensor& to, Index from, Index count) {
      for (Index b = 0; b < sequences; ++b)
        for (Index t = 0; t < count; ++t)
          for (Index d = 0; d < width; ++d) to.view()(b * count + t, d) = x_TD.view()(b * length + from + t, d);
    };
    const auto check_answers = [&](const Tensor& y, Index from, Index count) {
      for (Index b = 0; b < sequences; ++b)
        for (Index t = 0; t < count; ++t)
          for (Index d = 0; d < width; ++d)
            CHECK(y.view()(b * count + t, d) == Catch::Approx(whole_TD.view()(b * length + from + t, d)).margin(1e-12));
    };
    auto state = layer.begin_decoding(context, sequences);
    copy_rows(begun_TD, 0, start);
    check_answers(layer.prefill(context, begun_TD, Batch::sequences(sequences, start), state), 0, start);
    for (Index t = start; t < length; ++t) {
      copy_rows(next_BD, t, 1);
      check_answers(layer.decode(context, next_BD, {}, state), t, 1);
    }
  };
  STATIC_REQUIRE(Layer::is_causal);
  STATIC_REQUIRE(Layer::is_batch_invariant);
  check(layer_of(2));
  check(HybridMoE(layer_of(2), segment_level(), FixedFusion{}));
  check(HybridMoE(layer_of(2), segment_level(), ChannelFusion<double, B>(width, 0.6, 0.5)));
}

TEST_CASE("NoisyTopK's noise depends on the key alone, and training without a key is refused", "[routing][random]") {
  Layer layer = layer_of(2);
  Draw draw("noisy top-k's key");
  randomize(draw, layer);
  const auto x_TD = random_matrix<double, B>(draw, 200, width);
  const auto bits = [&](const CpuContext& with, std::uint64_t key) {
    const Batch batch = drawn_from(key, Batch::single(200));
    auto run = layer.forward(with, x_TD, batch);
    const double losses = run.stats.balance_loss() + run.stats.z_loss();
    Layer gradient = gradient_for(layer);
    const Tensor d_x_TD = layer.backward(with, run.output, {1, 2, 3}, std::move(run.saved), gradient);
    auto all = values_of(run.output);
    for_each_tensor(
        [&](const auto& slope) {
          for (double v : values_of(slope)) all.push_back(v);
        },
        gradient);
    for (double v : values_of(d_x_TD)) all.push_back(v);
    all.push_back(losses);
    return all;
  };
  const auto once = bits(context, 1);
  CHECK(bits({.threads = 1}, 1) == once);
  for (const int threads : {2, 3, 7}) CHECK(bits({.threads = threads}, 1) == once);
  CHECK(bits(context, 2) != once);
  CpuContext other_layer = context;
  other_layer.layer = 1;
  CHECK(bits(other_layer, 1) != once);

  CHECK_THROWS_WITH(layer.forward(context, x_TD, Batch::single(200)),
                    Catch::Contains("[forward] the noise draws random numbers in training"));
  CHECK(same_bits(layer.infer(context, x_TD, Batch::single(200)),
                  layer.infer(context, x_TD, drawn_from(9, Batch::single(200)))));
}

TEST_CASE("NoisyTopK's losses have names, share a balance weight, and need finite gradients", "[routing]") {
  using D = Layer::LossGradients;
  const D both = AuxiliaryGradient{.balance = 0.1, .z = 0.2};
  CHECK(both.importance == 0.1);
  CHECK(both.load == 0.1);
  CHECK(both.z == 0.2);
  Layer layer = layer_of(2), gradient = gradient_for(layer);
  const Tensor x_TD(rows, width);
  auto run = layer.forward(context, x_TD, drawn_from(1));
  CHECK_THROWS_WITH(layer.backward(context, x_TD, {.importance = 1, .load = std::numeric_limits<double>::infinity()},
                                   std::move(run.saved), gradient),
                    "[TokenMoE::backward] gradients of auxiliary losses must be finite, got 1, inf and 0");
  // Nothing was consumed.
  CHECK_NOTHROW(layer.backward(context, x_TD, both, std::move(run.saved), gradient));
  CHECK_THROWS_WITH(layer.backward(context, x_TD, both, std::move(run.saved), gradient),
                    Catch::Contains("not consumed yet"));
}

TEST_CASE("NoisyTopK refuses a k and a noise matrix that do not fit its experts", "[routing][misuse]") {
  CHECK_THROWS_WITH((NoisyTopK<double, B>(0, width, experts)), "[NoisyTopK] k must lie in [1, 4], got 0");
  CHECK_THROWS_WITH((NoisyTopK<double, B>(5, width, experts)), "[NoisyTopK] k must lie in [1, 4], got 5");
  CHECK_THROWS_WITH(Layer(NoisyTopK<double, B>(2, width, 3), ExpertBank<Ffn>(4, width, hidden)),
                    "[TokenMoE] the gate chooses among 3 experts, there are 4");
  Layer layer = layer_of(2);
  const Tensor x_TD(rows, width);
  layer.routing.noise = Linear<double, B>::without_bias(width, 3);
  CHECK_THROWS_WITH(layer.forward(context, x_TD, drawn_from(1)),
                    "[TokenMoE::forward] the noise must have the gate's shape, got 3 x 5 for 4 x 5");
}

TEST_CASE("NoisyTopK stays finite for very small and very large noise", "[routing]") {
  for (const double n : {-1000.0, 1000.0}) {
    Layer layer = layer_of(2);
    Draw draw("noisy top-k's extremes");
    randomize(draw, layer);
    auto x_TD = random_matrix<double, B>(draw, rows, width);
    for (Index t = 0; t < rows; ++t) x_TD.view()(t, 0) = 1;
    layer.routing.noise.weight.fill_zero();
    for (Index e = 0; e < experts; ++e) layer.routing.noise.weight.view()(e, 0) = n;
    auto run = layer.forward(context, x_TD, drawn_from(4));
    Layer gradient = gradient_for(layer);
    CHECK(std::isfinite(run.stats.balance_loss()));
    const Tensor d_x_TD = layer.backward(context, x_TD, {1, 1, 1}, std::move(run.saved), gradient);
    for (const double v : values_of(d_x_TD)) CHECK(std::isfinite(v));
    for (const double v : values_of(gradient.routing.noise.weight)) CHECK(std::isfinite(v));
  }
}

TEST_CASE("NoisyTopK's weights are visited, frozen, initialized and upcycled from a dense FFN", "[routing][train]") {
  Layer layer = layer_of(2);
  std::vector<std::string> names;
  for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); }, layer);
  CHECK(names.size() == 2 + 3 * experts);
  CHECK(std::vector<std::string>(names.begin(), names.begin() + 2) ==
        std::vector<std::string>{"gate.weight", "noise.weight"});

  initialize(context, layer, 3, 0.5);
  CHECK(values_of(layer.routing.noise.weight) != values_of(layer.routing.gate.weight));
  Draw draw("noisy top-k, frozen");
  const auto x_TD = random_matrix<double, B>(draw, rows, width);
  const auto d_y_TD = random_matrix<double, B>(draw, rows, width);
  Layer all = gradient_for(layer), some = gradient_for(layer, TrainByName{.freeze = {"noise.*"}});
  CHECK(some.routing.noise.weight.empty());
  const auto backward_into = [&](Layer& gradient) {
    auto run = layer.forward(context, x_TD, drawn_from(5));
    return layer.backward(context, d_y_TD, {1, 1, 1}, std::move(run.saved), gradient);
  };
  CHECK(same_bits(backward_into(all), backward_into(some)));
  CHECK(same_bits(all.routing.gate.weight, some.routing.gate.weight));
  CHECK(values_of(all.routing.noise.weight) != std::vector<double>(experts * width, 0));

  Ffn dense(width, hidden);
  randomize(draw, dense);
  Layer grown = layer_of(2);
  upcycle(context, dense, grown, {.seed = 4});
  CHECK(values_of(grown.routing.noise.weight) == std::vector<double>(experts * width, 0));
  CHECK(values_of(grown.routing.gate.weight) != std::vector<double>(experts * width, 0));
  for (const Ffn& expert : grown.bank.experts) CHECK(same_bits(expert.up_proj, dense.up_proj));
  // Identical experts give the dense FFN's output, whatever the noise is.
  const Tensor dense_TD = dense.infer(context, x_TD, Batch::single(rows));
  check_rows(grown.forward(context, x_TD, drawn_from(6)).output, rows_of(dense_TD));
}

TEST_CASE("NoisyTopK replays its own choices bitwise identically, and others with correct gradients",
          "[routing][replay]") {
  const Batch batch = drawn_from(21);
  Layer layer = layer_of(2);
  Tensor x_TD = drawn_clear(layer, batch, noisy_of_layer);
  RoutingRecorder recorder(batch.count());
  CpuContext recording = context, replaying = context;
  recording.observer = recorder.observer();
  recorder.expect(batch);
  const auto recorded = layer.forward(recording, x_TD, batch);
  const RoutingReplay replay(recorder.records());
  replaying.replay = &replay;
  const auto replayed = layer.forward(replaying, x_TD, batch);
  CHECK(same_bits(replayed.output, recorded.output));
  CHECK(replayed.stats.balance_loss() == recorded.stats.balance_loss());
  // Weights that would select other experts.
  Draw draw("noisy top-k, replayed");
  randomize(draw, layer, 0.7);
  CHECK(layer.forward(replaying, x_TD, batch).stats.load == recorded.stats.load);
  CHECK(layer.forward(context, x_TD, batch).stats.load != recorded.stats.load);
  check_layer_gradients(layer, x_TD, batch, 1.7, layer_bar, replaying);
}

TEST_CASE("AnyLayer trains NoisyTopK with the two losses that every layer reports", "[routing][runtime]") {
  Layer layer = layer_of(2), gradient = gradient_for(layer);
  Draw draw("noisy top-k, any layer");
  randomize(draw, layer);
  const auto x_TD = random_matrix<double, B>(draw, rows, width);
  const Batch batch = drawn_from(7);
  auto run = layer.forward(context, x_TD, batch);
  const double balance = run.stats.balance_loss(), z = run.stats.z_loss();
  const Tensor d_x_TD = layer.backward(context, x_TD, {0.1, 0.1, 0.2}, std::move(run.saved), gradient);

  AnyLayer<double, B> any(std::move(layer));
  auto any_gradient = gradient_for(any);
  auto any_run = any.forward(context, x_TD, batch);
  CHECK(same_bits(any_run.output, run.output));
  CHECK(any_run.stats.balance_loss() == balance);
  CHECK(any_run.stats.z_loss() == z);
  CHECK(same_bits(any.backward(context, x_TD, {.balance = 0.1, .z = 0.2}, std::move(any_run.saved), any_gradient),
                  d_x_TD));
  any.update_buffers(context, any_run.stats);
  for_each_tensor([&](const auto& a, const auto& b) { CHECK(same_bits(a, b)); }, any_gradient.as<Layer>()->routing,
                  gradient.routing);
}

}  // namespace noisy_top_k_test
