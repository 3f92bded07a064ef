/// Every composition of policies that the conformance tests run, on the CPU, and its expected output: the reference
/// reads the policies' settings and the weights, and computes with its own loops.
#pragma once

#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "support/composition_list.hpp"
#include "support/random_tensors.hpp"
#include "support/reference_moe.hpp"

namespace moe::testing {

// --- the output of the reference
// -------------------------------------------------------------------------------------------

enum class Phase { training, inference };

template <class Real, class B>
reference::Rows rows_of(View<const Real, B> view) {
  reference::Rows rows(static_cast<std::size_t>(view.rows));
  for (Index r = 0; r < view.rows; ++r)
    for (const Real value : view.row(r)) rows[static_cast<std::size_t>(r)].push_back(static_cast<double>(value));
  return rows;
}
template <class Real, class B>
reference::Rows rows_of(const Matrix<Real, B>& matrix) {
  return rows_of(matrix.view());
}
inline std::vector<double> flat(const reference::Rows& rows) {
  std::vector<double> result;
  for (const auto& row : rows) result.insert(result.end(), row.begin(), row.end());
  return result;
}

inline reference::Gates gates_of(SoftmaxOverAll) { return reference::Gates::softmax_over_all; }
inline reference::Gates gates_of(SoftmaxOverChosen) { return reference::Gates::softmax_over_chosen; }
inline void describe(const TopK& router, reference::Level& level) {
  level.select = reference::Select::top_k;
  level.k = static_cast<std::size_t>(router.k);
}
inline void describe(const SharedTopK& router, reference::Level& level) {
  level.select = reference::Select::shared_top_k;
  level.k = static_cast<std::size_t>(router.k);
  level.shared = static_cast<std::size_t>(router.shared);
}
inline void describe(const ExpertChoice&, reference::Level& level) { level.select = reference::Select::expert_choice; }
inline void describe(const CappedExpertChoice& router, reference::Level& level) {
  level.select = reference::Select::expert_choice;
  level.cap = static_cast<std::size_t>(router.cap);
}
inline void describe(const ThresholdChoice&, reference::Level& level) { level.select = reference::Select::threshold; }
inline void describe(const SegmentCapacity& capacity, reference::Level& level) {
  level.capacity_factor = capacity.factor;
}
inline void describe(const Unlimited&, reference::Level& level) { level.capacity_factor = -1; }
inline void describe(const CapacityFactor& capacity, reference::Level& level) {
  level.drop_factor = capacity.factor;
  level.drop_minimum = static_cast<std::size_t>(capacity.minimum);
  level.normalize_after_dropping = capacity.normalize == NormalizeGates::after_dropping;
}
inline void describe(const FixedWindow& segmenter, reference::Windows& windows) {
  windows.window = static_cast<std::size_t>(segmenter.window);
}
inline void describe(const BoundaryWindow& segmenter, reference::Windows& windows) {
  windows.window = static_cast<std::size_t>(segmenter.maximum);
  windows.minimum = static_cast<std::size_t>(segmenter.minimum);
  windows.boundary = segmenter.boundary;
}

inline reference::Activation activation_of(Silu) { return reference::Activation::silu; }
inline reference::Activation activation_of(Gelu) { return reference::Activation::gelu; }
inline reference::Activation activation_of(GeluTanh) { return reference::Activation::gelu_tanh; }
inline reference::Activation activation_of(Relu) { return reference::Activation::relu; }
inline reference::Activation activation_of(ReluSquared) { return reference::Activation::relu_squared; }
template <class X>
reference::Ffn ffn_of(const X& expert) {
  reference::Ffn ffn;
  ffn.activation = activation_of(typename X::Activation{});
  ffn.up = rows_of(expert.up_proj);
  ffn.down = rows_of(expert.down_proj);
  if constexpr (requires { expert.gate_proj; }) ffn.gate = rows_of(expert.gate_proj);
  if constexpr (requires { expert.gate_bias; }) ffn.gate_bias = values_of(expert.gate_bias);
  if constexpr (requires { expert.up_bias; }) ffn.up_bias = values_of(expert.up_bias);
  if constexpr (requires { expert.down_bias; }) ffn.down_bias = values_of(expert.down_bias);
  return ffn;
}

template <class G, class X>
reference::Level level_of(const G& gating, const ExpertBank<X>& bank, Phase phase) {
  using Routes = FormsOf<decltype(gating.router)>;
  reference::Level level;
  level.gate = rows_of(gating.gate.weight);
  for (const X& expert : bank.experts) level.experts.push_back(ffn_of(expert));
  level.gates = gates_of(gating.normalizer);
  describe(gating.capacity, level);
  if (phase == Phase::training)
    describe(Routes::train(gating.router), level);
  else
    describe(Routes::infer(gating.router), level);
  if constexpr (G::has_thresholds) level.thresholds = values_of(gating.thresholds_E);
  return level;
}

inline std::vector<std::size_t> lengths_of(const Batch& batch) {
  std::vector<std::size_t> lengths;
  for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b)
    lengths.push_back(static_cast<std::size_t>(batch.offsets[b + 1] - batch.offsets[b]));
  return lengths;
}

/// The expected output of a layer and its auxiliary losses.
struct Expected : reference::Output {
  double balance_loss = 0, z_loss = 0;
};

template <class R, class N, class C, class X, class Path, class Bal>
Expected expected(const TokenMoE<R, N, C, X, Path, Bal>& layer, const reference::Rows& x, const Batch&, Phase phase) {
  const reference::Level level = level_of(layer.routing, layer.bank, phase);
  Expected out{reference::token_moe(level, x)};
  if constexpr (requires { layer.shared_path.ffn; })
    reference::add_shared_ffn({ffn_of(layer.shared_path.ffn), rows_of(layer.shared_path.gate.weight).front()}, x,
                              out.y);
  reference::Rows z;
  for (const auto& row : x) z.push_back(reference::product(level.gate, row));
  std::vector<bool> counts;
  for (std::size_t e = 0; e < level.gate.size(); ++e) {
    if constexpr (requires { layer.routing.balance.shared; })
      counts.push_back(static_cast<Index>(e) != layer.routing.balance.shared);
    else
      counts.push_back(true);
  }
  out.balance_loss = reference::balance_loss(z, out.decided.chosen, counts);
  out.z_loss = out.decided.z_loss;
  return out;
}

template <class S, class Source, class R, class N, class C, class X, class Feed>
Expected expected(const SegmentMoE<S, Source, R, N, C, X, Feed>& layer, const reference::Rows& x, const Batch& batch,
                  Phase phase) {
  reference::Windows windows;
  describe(layer.routing.segmenter, windows);
  windows.previous = Source::is_causal;
  windows.max_pool = std::is_same_v<typename Source::Pool, MaxPool>;
  windows.pooled_input = Feed::pooled;
  if constexpr (Source::is_causal) windows.first = values_of(layer.routing.source.first_D);
  return {reference::segment_moe(level_of(layer.routing, layer.bank, phase), windows, x, lengths_of(batch),
                                 {batch.tokens.begin(), batch.tokens.end()})};
}

inline reference::Rows fused(const FixedFusion& f, const reference::Output& token, const reference::Output& segment) {
  return reference::fuse(token.y, segment.y, segment.mass, f.token, f.segment, false);
}
inline reference::Rows fused(const NormalizedFusion& f, const reference::Output& token,
                             const reference::Output& segment) {
  return reference::fuse(token.y, segment.y, segment.mass, f.token, f.segment, true);
}
template <class Real, class B>
reference::Rows fused(const ScalarFusion<Real, B>& f, const reference::Output& token,
                      const reference::Output& segment) {
  const auto w = values_of(f.weights_2);
  return reference::fuse(token.y, segment.y, segment.mass, w[0], w[1], false);
}
template <class Real, class B>
reference::Rows fused(const ChannelFusion<Real, B>& f, const reference::Output& token,
                      const reference::Output& segment) {
  const auto a = values_of(f.token_D), b = values_of(f.segment_D);
  reference::Rows y = token.y;
  for (std::size_t t = 0; t < y.size(); ++t)
    for (std::size_t d = 0; d < a.size(); ++d) y[t][d] = a[d] * token.y[t][d] + b[d] * segment.y[t][d];
  return y;
}
template <class Real, class B>
reference::Rows fused(const MatrixFusion<Real, B>& f, const reference::Output& token,
                      const reference::Output& segment) {
  const auto a = rows_of(f.token.weight), b = rows_of(f.segment.weight);
  reference::Rows y;
  for (std::size_t t = 0; t < token.y.size(); ++t) {
    y.push_back(reference::product(a, token.y[t]));
    const auto from_segment = reference::product(b, segment.y[t]);
    for (std::size_t d = 0; d < from_segment.size(); ++d) y[t][d] += from_segment[d];
  }
  return y;
}

template <class Token, class Segment, class F>
Expected expected(const HybridMoE<Token, Segment, F>& layer, const reference::Rows& x, const Batch& batch,
                  Phase phase) {
  Expected out = expected(layer.token, x, batch, phase);
  const Expected segment = expected(layer.segment, x, batch, phase);
  out.y = fused(layer.fusion, out, segment);
  out.decided.margin = std::min(out.decided.margin, segment.decided.margin);
  return out;
}

/// Draws a layer's weights and its input until every routing decision is clearer than `margin`; `expected(x)` are the
/// reference's results.
template <class Layer, class Reference>
Matrix<typename Layer::Value, Cpu<>> draw_clear(Layer& layer, const Batch& batch, double margin,
                                                const Reference& expected) {
  for (std::uint32_t attempt = 0;; ++attempt) {
    Draw draw("clear decisions", attempt);
    randomize(draw, layer, 0.7);
    auto x_TD = random_matrix<typename Layer::Value, Cpu<>>(draw, batch.rows(), layer.width());
    if (expected(rows_of(x_TD)).decided.margin > margin) return x_TD;
  }
}
template <class Layer>
Matrix<typename Layer::Value, Cpu<>> draw_clear(Layer& layer, const Batch& batch, Phase phase, double margin) {
  return draw_clear(layer, batch, margin, [&](const reference::Rows& x) { return expected(layer, x, batch, phase); });
}

// --- the list, on the CPU ---

template <class Real>
using Ffn = on::Ffn<Real, Cpu<>>;
template <class Real>
using SharedRouted = on::SharedRouted<Real, Cpu<>>;
template <class Real>
using TokenExpertChoice = on::TokenExpertChoice<Real, Cpu<>>;
template <class Real>
using SegmentByOwnMean = on::SegmentByOwnMean<Real, Cpu<>>;
template <class Real>
using SegmentByPreviousMean = on::SegmentByPreviousMean<Real, Cpu<>>;
template <class Real>
using SegmentTopK = on::SegmentTopK<Real, Cpu<>>;
template <class Real>
using Dropping = on::Dropping<Real, Cpu<>>;
template <class Real>
using DroppingRaw = on::DroppingRaw<Real, Cpu<>>;
template <class Real>
using SegmentReleased = on::SegmentReleased<Real, Cpu<>>;
template <class Real>
using SegmentByLine = on::SegmentByLine<Real, Cpu<>>;
template <class Real>
using SegmentDropping = on::SegmentDropping<Real, Cpu<>>;
template <class Real>
using SegmentLiteral = on::SegmentLiteral<Real, Cpu<>>;
template <class Real>
using SegmentPooledBefore = on::SegmentPooledBefore<Real, Cpu<>>;
template <class Real>
using TokenCompositions = on::TokenCompositions<Real, Cpu<>>;
template <class Real>
using SegmentCompositions = on::SegmentCompositions<Real, Cpu<>>;
template <class Real>
using HybridCompositions = on::HybridCompositions<Real, Cpu<>>;
template <class Real>
using SeparateCompositions = on::SeparateCompositions<Real, Cpu<>>;

}  // namespace moe::testing
