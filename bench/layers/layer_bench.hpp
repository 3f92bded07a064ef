/// The passes in which every layer is measured.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "bench/data.hpp"
#include "bench/layers/pairs.hpp"
#include "bench/stopwatch.hpp"
#include "moe/train/pack_weights.hpp"
#include "moe/train/walk.hpp"

namespace moe_bench {

/// A layer with the tensors of its passes. Memory is allocated when a pass first needs it, so that listing names
/// allocates nothing, and neither do passes that a filter leaves out.
template <class Layer>
class LayerBench {
 public:
  using Value = typename Layer::Value;
  using Rows = moe::View<const Value, Cpu>;
  using Gradient = decltype(moe::accum_gradient_for(std::declval<const Layer&>()));
  static constexpr moe::AuxiliaryGradient d_stats{.balance = 0.01};
  /// Weights can be packed in advance.
  static constexpr bool is_packable = !std::is_same_v<Value, moe::BFloat16>;

  LayerBench(Context context, const Shape& shape, std::function<Layer()> make)
      : context_(std::move(context)), shape_(shape), batch_(batch_of(shape)), make_(std::move(make)) {}

  const Context& context() const { return context_; }
  const moe::Batch& batch() const { return batch_; }
  Index rows() const { return shape_.rows; }

  const Layer& layer() {
    if (!layer_) {
      layer_.emplace(make_());
      fill_weights(context_, *layer_);
      x_TD_ = uniform_tensor<Value>(context_, shape_.rows, shape_.width, 1);
      // Thresholds for inference are set by a training batch.
      layer_->update_buffers(context_, layer_->forward(context_, x(), batch_).stats);
    }
    return *layer_;
  }
  Rows x() const { return x_TD_.const_view(); }
  /// The rows of decoding step `step`, one per sequence.
  Rows x_of_step(Index step, Index sequences) const { return rows_from(x_TD_, step * sequences, sequences); }
  Gradient& gradient() {
    if (!gradient_) {
      gradient_.emplace(moe::accum_gradient_for(layer()));
      d_y_TD_ = uniform_tensor<Value>(context_, shape_.rows, shape_.width, 2);
    }
    return *gradient_;
  }
  /// The context with the layer's weights packed, in their own type, as BFloat16 or in 8 bits.
  const Context& packed() {
    if (!packed_) packed_.emplace(moe::pack_weights(context_, layer()));
    return *packed_;
  }
  const Context& packed_narrow() {
    if (!packed_narrow_) packed_narrow_.emplace(moe::pack_weights<moe::BFloat16>(context_, layer()));
    return *packed_narrow_;
  }
  const Context& packed_int8() {
    if (!packed_int8_) packed_int8_.emplace(moe::pack_weights<moe::Int8Groups>(context_, layer()));
    return *packed_int8_;
  }
  Rows d_y() const { return d_y_TD_.const_view(); }

  /// FLOPs of a pass. They are counted only once, since counting runs the pass once more.
  double flops(const std::string& pass, const std::function<double()>& count) {
    const auto known = flops_.find(pass);
    return known != flops_.end() ? known->second : flops_.emplace(pass, count()).first->second;
  }

 private:
  Context context_;
  Shape shape_;
  moe::Batch batch_;
  std::function<Layer()> make_;
  std::optional<Layer> layer_;
  std::optional<Gradient> gradient_;
  std::optional<Context> packed_, packed_narrow_, packed_int8_;
  moe::Matrix<Value, Cpu> x_TD_, d_y_TD_;
  std::map<std::string, double> flops_;
};

template <class Layer>
double flops_of_pair(const Layer& layer) {
  if constexpr (requires { layer.hidden(); })
    return flops_per_pair(layer);
  else if constexpr (requires { layer.bank; })
    return flops_per_pair(layer.bank.experts.front());
  else
    return flops_of_pair(layer.token);
}

/// One iteration of a pass, in a context whose phases may be reported to the stopwatch.
using Pass = std::function<void(const Context&, Stopwatch&)>;

/// The pass as a user runs it, and the same with a stopwatch on its phases. `before` is not timed.
inline std::pair<Run, Run> whole_and_parts(const std::function<std::pair<const Context*, Pass>()>& before,
                                           const std::function<double()>& flops) {
  Run whole = [before, flops](benchmark::State& state) {
    const auto [context, pass] = before();
    Stopwatch unused;
    for (auto _ : state) pass(*context, unused);
    state.counters["flops"] = flops();
  };
  Run parts = [before](benchmark::State& state) {
    const auto [context, pass] = before();
    Stopwatch watch;
    Context listening = *context;
    listening.phases = [&watch](moe::Phase phase, moe::PhaseEdge edge) { watch.hear(phase, edge); };
    for (auto _ : state) {
      watch.start();
      pass(listening, watch);
      watch.stop();
    }
    watch.report(state);
  };
  return {std::move(whole), std::move(parts)};
}

/// Adds the passes of one layer.
template <class Layer>
void add_layer(Suite& suite, const Context& context, const Shape& shape, const std::string& subject,
               const std::string& yardstick, std::function<Layer()> make) {
  const auto bench = std::make_shared<LayerBench<Layer>>(context, shape, std::move(make));
  const auto add = [&](const std::string& pass, std::pair<Run, Run> runs, Index iterations = 0) {
    suite.push_back(
        {"layer", subject, shape, pass, std::move(runs.first), std::move(runs.second), yardstick, iterations});
  };

  // Products only, 2 FLOPs per multiply-add: 6 N D F forward, twice that backward.
  const auto forward_flops = [bench] {
    return bench->flops("forward", [&] {
      const auto stats = bench->layer().forward(bench->context(), bench->x(), bench->batch()).stats;
      return flops_of_pair(bench->layer()) * static_cast<double>(training_pairs(stats, bench->rows()));
    });
  };

  add("forward", whole_and_parts(
                     [bench] {
                       const Layer& layer = bench->layer();
                       return std::pair<const Context*, Pass>(&bench->context(), [&, bench](const Context& c, auto&) {
                         const auto run = layer.forward(c, bench->x(), bench->batch());
                         benchmark::DoNotOptimize(run.output.data());
                       });
                     },
                     forward_flops));

  add("forward_backward",
      whole_and_parts(
          [bench] {
            const Layer& layer = bench->layer();
            auto& gradient = bench->gradient();
            return std::pair<const Context*, Pass>(&bench->context(), [&, bench](const Context& c, Stopwatch& watch) {
              auto [y_TD, saved, stats] = layer.forward(c, bench->x(), bench->batch());
              benchmark::DoNotOptimize(y_TD.data());
              watch.turn_back();
              const auto d_x_TD =
                  layer.backward(c, bench->d_y(), LayerBench<Layer>::d_stats, std::move(saved), gradient);
              benchmark::DoNotOptimize(d_x_TD.data());
            });
          },
          [forward_flops] { return 3 * forward_flops(); }));

  // With the weights as stored, and packed in advance, in their own type, in bfloat16 or in 8 bits.
  struct Weights {
    std::string suffix;
    std::function<const Context&()> context;
  };
  std::vector<Weights> forms{{"", [bench]() -> const Context& { return bench->context(); }}};
  if constexpr (LayerBench<Layer>::is_packable) {
    forms.push_back({"_packed", [bench]() -> const Context& { return bench->packed(); }});
    forms.push_back({"_packed_bf16", [bench]() -> const Context& { return bench->packed_narrow(); }});
    forms.push_back({"_packed_int8", [bench]() -> const Context& { return bench->packed_int8(); }});
  }
  for (const Weights& weights : forms) {
    add("infer" + weights.suffix,
        whole_and_parts(
            [bench, context_now = weights.context] {
              const Layer& layer = bench->layer();
              return std::pair<const Context*, Pass>(&context_now(), [&, bench](const Context& c, auto&) {
                const auto y_TD = layer.infer(c, bench->x(), bench->batch());
                benchmark::DoNotOptimize(y_TD.data());
              });
            },
            [bench] {
              return bench->flops("infer", [&] {
                const Layer& layer = bench->layer();
                return flops_of_pair(layer) *
                       static_cast<double>(inference_pairs(layer, bench->context(), bench->x(), bench->batch()));
              });
            }));

    for (const Index wanted : {1, 8, 64}) {
      // At least two windows: in the first window of a sequence often no segment expert is selected.
      const Index sequences = std::min(wanted, shape.rows);
      const Index steps = std::max(std::min<Index>(64, shape.rows) / sequences, 2 * window_of(shape));
      // The same rows in every repetition, whole or by parts: other rows would select other experts.
      add("decode_" + std::to_string(wanted) + weights.suffix,
          whole_and_parts(
              [bench, sequences, context_now = weights.context] {
                const Layer& layer = bench->layer();
                const auto decoding =
                    std::make_shared<typename Layer::DecodingState>(layer.begin_decoding(bench->context(), sequences));
                return std::pair<const Context*, Pass>(
                    &context_now(), [&, bench, sequences, decoding, step = Index{0}](const Context& c, auto&) mutable {
                      const auto y_BD = layer.decode(c, bench->x_of_step(step++, sequences), {}, *decoding);
                      benchmark::DoNotOptimize(y_BD.data());
                    });
              },
              [bench, sequences, steps] {
                return bench->flops("decode_" + std::to_string(sequences), [&] {
                  const Layer& layer = bench->layer();
                  auto again = layer.begin_decoding(bench->context(), sequences);
                  double pairs = 0;
                  for (Index s = 0; s < steps; ++s) {
                    const auto x_BD = bench->x_of_step(s, sequences);
                    layer.decode(bench->context(), x_BD, {}, again);
                    pairs += static_cast<double>(decoding_pairs(layer, bench->context(), x_BD, again));
                  }
                  return flops_of_pair(layer) * pairs / static_cast<double>(steps);
                });
              }),
          steps);
    }
  }
}

}  // namespace moe_bench
