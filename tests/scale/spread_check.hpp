/// Runs a composition on several ranks with spread experts, and on one rank that has them all.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "moe/comm/placement.hpp"
#include "moe/comm/ranks_over.hpp"
#include "moe/experts/place.hpp"
#include "moe/train/pack_weights.hpp"
#include "moe/train/walk.hpp"
#include "support/any_compositions.hpp"
#include "support/thread_comm.hpp"

namespace moe::testing {

/// The sequences of a rank, with tokens and the gradient of the output.
struct RankBatch {
  std::vector<Index> lengths;
  std::vector<std::int32_t> tokens;
  Matrix<double, Cpu<>> x_TD, d_y_TD;

  RankBatch(Draw& draw, std::vector<Index> lengths_, Index width) : lengths(std::move(lengths_)) {
    const Index rows = Batch::ragged(lengths).rows();
    for (Index t = 0; t < rows; ++t) tokens.push_back(static_cast<std::int32_t>(draw.between(boundary_token, 2)));
    x_TD = random_matrix<double, Cpu<>>(draw, rows, width);
    d_y_TD = random_matrix<double, Cpu<>>(draw, rows, width);
  }
  Batch batch() const {
    Batch result = Batch::ragged(lengths);
    result.tokens = tokens;
    return result;
  }
};

/// Everything that a layer returns for one rank's rows.
struct RankResult {
  Matrix<double, Cpu<>> y_TD, d_x_TD, inferred_TD;
  /// Outputs of prefill and of each decoded row; empty if the layer is not causal.
  std::vector<double> decoded;
  double balance_loss = 0, z_loss = 0;
};

/// Results by rank, and the sum of all ranks' gradients by name.
struct SpreadRun {
  std::vector<RankResult> ranks;
  std::map<std::string, std::vector<double>> gradient;
};

inline void add_gradient(AnyCpuLayer<double>& tree, std::map<std::string, std::vector<double>>& sum) {
  for_each_parameter(
      [&](const std::string& name, const auto& tensor) {
        const auto values = values_of(tensor.view());
        if (values.empty()) return;
        auto& total = sum[name];
        total.resize(values.size());
        for (std::size_t i = 0; i < values.size(); ++i) total[i] += values[i];
      },
      tree);
}

/// Prefill of all but the last `steps` rows of each sequence, then these rows one by one. The batch has sequences of
/// one length; every rank takes the same number of steps, also a rank without sequences.
inline std::vector<double> decoded(const CpuContext& context, const AnyCpuLayer<double>& layer, const RankBatch& own,
                                   Index steps) {
  const auto sequences = static_cast<Index>(own.lengths.size());
  const Index length = own.lengths.empty() ? steps : own.lengths.front(), known = length - steps;
  const Index width = own.x_TD.cols();
  const auto rows_at = [&](Index first, Index count) {
    Matrix<double, Cpu<>> rows(sequences * count, width);
    for (Index b = 0; b < sequences; ++b)
      for (Index i = 0; i < count; ++i)
        for (Index d = 0; d < width; ++d) rows.view()(b * count + i, d) = own.x_TD.view()(b * length + first + i, d);
    return rows;
  };
  const auto tokens_at = [&](Index first, Index count) {
    std::vector<std::int32_t> tokens;
    for (Index b = 0; b < sequences; ++b)
      for (Index i = 0; i < count; ++i) tokens.push_back(own.tokens[static_cast<std::size_t>(b * length + first + i)]);
    return tokens;
  };
  auto state = layer.begin_decoding(context, sequences);
  const auto tokens = tokens_at(0, known);
  Batch batch = Batch::sequences(sequences, known);
  batch.tokens = tokens;
  auto result = values_of(layer.prefill(context, rows_at(0, known), batch, state));
  for (Index i = known; i < length; ++i) {
    const auto next = values_of(layer.decode(context, rows_at(i, 1), tokens_at(i, 1), state));
    result.insert(result.end(), next.begin(), next.end());
  }
  return result;
}

/// forward, backward, infer and, for causal layers, prefill and decode of one rank's rows.
inline RankResult run_rank(const CpuContext& context, const AnyCpuLayer<double>& layer, const RankBatch& own,
                           AnyCpuLayer<double>& gradient, Index steps) {
  const Batch batch = own.batch();
  RankResult result;
  auto run = layer.forward(context, own.x_TD, batch);
  result.d_x_TD = layer.backward(context, own.d_y_TD, {.balance = 0.3, .z = 0.2}, std::move(run.saved), gradient);
  result.y_TD = std::move(run.output);
  result.balance_loss = run.stats.balance_loss();
  result.z_loss = run.stats.z_loss();
  result.inferred_TD = layer.infer(context, own.x_TD, batch);
  if (layer.is_causal()) result.decoded = decoded(context, layer, own, steps);
  return result;
}

/// Whether the weights are packed, so that no row's bits depend on the number of rows.
enum class Weights { plain, packed };

/// The layer on one rank, one rank's rows after the other.
inline SpreadRun run_alone(const AnyCpuLayer<double>& layer, const std::vector<RankBatch>& batches, Index steps,
                           Weights weights = Weights::plain) {
  CpuContext context{.threads = 1};
  if (weights == Weights::packed) context = pack_weights(context, layer);
  SpreadRun result;
  auto gradient = gradient_for(layer);
  for (const RankBatch& own : batches) result.ranks.push_back(run_rank(context, layer, own, gradient, steps));
  add_gradient(gradient, result.gradient);
  return result;
}

/// The same with a rank for each batch. `make` returns a whole layer.
template <class Make>
SpreadRun run_spread(const Make& make, const Placement& placement, const std::vector<RankBatch>& batches, Index steps,
                     Weights weights = Weights::plain) {
  SpreadRun result;
  result.ranks.resize(batches.size());
  std::mutex mutex;
  run_ranks(static_cast<int>(batches.size()), [&](ThreadComm comm) {
    CpuContext context{.threads = 1};
    context.ranks = ranks_over<Cpu<>>(std::move(comm));
    const auto rank = static_cast<std::size_t>(context.ranks->rank());
    auto layer = make();
    place(layer, *context.ranks, placement);
    if (weights == Weights::packed) context = pack_weights(context, layer);
    auto gradient = gradient_for(layer);
    result.ranks[rank] = run_rank(context, layer, batches[rank], gradient, steps);
    const std::lock_guard lock(mutex);
    add_gradient(gradient, result.gradient);
  });
  return result;
}

/// The largest difference, relative to the largest value; infinite if the sizes differ.
inline double difference(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return std::numeric_limits<double>::infinity();
  double largest = 1, difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::abs(a[i]));
    difference = std::max(difference, std::abs(a[i] - b[i]));
  }
  return difference / largest;
}

}  // namespace moe::testing
