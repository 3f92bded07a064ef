/// The passes that every layer is measured in.
#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "bench/data.hpp"
#include "bench/layers/pairs.hpp"
#include "bench/stopwatch.hpp"
#include "moe/train/pack_weights.hpp"
#include "moe/train/walk.hpp"

namespace moe_bench {

/// A layer with what its passes need. Memory is taken when a pass first asks for it, so that a list of names costs
/// nothing and a filter saves what it leaves out.
template <class Layer>
class LayerBench {
 public:
  static constexpr moe::AuxiliaryGradient d_stats{.balance = 0.01};

  LayerBench(Context context, const Shape& shape, std::function<Layer()> make)
      : context_(std::move(context)), shape_(shape), batch_(batch_of(shape)), make_(std::move(make)) {}

  const Context& context() const { return context_; }
  const moe::Batch& batch() const { return batch_; }
  Index rows() const { return shape_.rows; }

  const Layer& layer() {
    if (!layer_) {
      layer_.emplace(make_());
      fill_weights(context_, *layer_);
      x_TD_ = uniform_tensor(context_, shape_.rows, shape_.width, 1);
      // Thresholds for inference come from what a training batch chose.
      layer_->absorb(context_, layer_->forward(context_, x(), batch_).stats);
    }
    return *layer_;
  }
  ConstView x() const { return std::as_const(x_TD_).view(); }
  /// Row `step` of `sequences` sequences, for decoding.
  ConstView x_of_step(Index step, Index sequences) const { return rows_from(x_TD_, step * sequences, sequences); }
  Layer& gradient() {
    if (!gradient_) {
      gradient_.emplace(moe::gradient_for(layer()));
      d_y_TD_ = uniform_tensor(context_, shape_.rows, shape_.width, 2);
    }
    return *gradient_;
  }
  /// The context in which the layer's weights are packed, as they are or as BFloat16.
  const Context& packed() {
    if (!packed_) packed_.emplace(moe::pack_weights(context_, layer()));
    return *packed_;
  }
  const Context& packed_narrow() {
    if (!packed_narrow_) packed_narrow_.emplace(moe::pack_weights<moe::BFloat16>(context_, layer()));
    return *packed_narrow_;
  }
  ConstView d_y() const { return std::as_const(d_y_TD_).view(); }

  /// Counting means running the pass once more: done once.
  double flops(const std::string& pass, const std::function<double()>& count) {
    const auto known = flops_.find(pass);
    return known != flops_.end() ? known->second : flops_.emplace(pass, count()).first->second;
  }

 private:
  Context context_;
  Shape shape_;
  moe::Batch batch_;
  std::function<Layer()> make_;
  std::optional<Layer> layer_, gradient_;
  std::optional<Context> packed_, packed_narrow_;
  Tensor x_TD_, d_y_TD_;
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

/// Adds the passes of one layer; stages where staged_forward and its like know the layer.
template <class Layer>
void add_layer(Suite& suite, const Context& context, const Shape& shape, const std::string& subject,
               const std::string& yardstick, std::function<Layer()> make) {
  const auto bench = std::make_shared<LayerBench<Layer>>(context, shape, std::move(make));
  const auto add = [&](const std::string& pass, Run whole, Run stages, Index iterations = 0) {
    suite.push_back({"layer", subject, shape, pass, std::move(whole), std::move(stages), yardstick, iterations});
  };
  using State = typename Layer::DecodingState;
  constexpr bool has_stages = requires(const Layer& layer, const moe::Batch& batch, Stopwatch& watch) {
    staged_forward(layer, std::declval<const Context&>(), ConstView(), batch, watch);
  };
  constexpr bool has_decoding_stages = requires(const Layer& layer, State& state, Stopwatch& watch) {
    staged_decode(layer, std::declval<const Context&>(), ConstView(), state, watch);
  };

  // Products only, 2 flops a multiplication: 6 N D F forward, twice that backward.
  const auto forward_flops = [](LayerBench<Layer>& b) {
    return b.flops("forward", [&] {
      const auto stats = b.layer().forward(b.context(), b.x(), b.batch()).stats;
      return flops_of_pair(b.layer()) * static_cast<double>(training_pairs(stats, b.rows()));
    });
  };

  Run forward_stages, both_stages, infer_stages;
  if constexpr (has_stages) {
    forward_stages = [bench](benchmark::State& state) {
      const Layer& layer = bench->layer();
      Stopwatch watch;
      for (auto _ : state) {
        watch.start();
        const auto run = staged_forward(layer, bench->context(), bench->x(), bench->batch(), watch);
        benchmark::DoNotOptimize(run.first.data());
      }
      watch.report(state);
    };
    both_stages = [bench](benchmark::State& state) {
      const Layer& layer = bench->layer();
      Layer& gradient = bench->gradient();
      Stopwatch watch;
      for (auto _ : state) {
        watch.start();
        auto [y_TD, saved] = staged_forward(layer, bench->context(), bench->x(), bench->batch(), watch);
        benchmark::DoNotOptimize(y_TD.data());
        watch.start();
        const auto d_x_TD = staged_backward(layer, bench->context(), bench->d_y(), LayerBench<Layer>::d_stats,
                                            std::move(saved), gradient, watch);
        benchmark::DoNotOptimize(d_x_TD.data());
      }
      watch.report(state);
    };
    infer_stages = [bench](benchmark::State& state) {
      const Layer& layer = bench->layer();
      Stopwatch watch;
      for (auto _ : state) {
        watch.start();
        const auto y_TD = staged_infer(layer, bench->context(), bench->x(), bench->batch(), watch);
        benchmark::DoNotOptimize(y_TD.data());
      }
      watch.report(state);
    };
  }

  add(
      "forward",
      [bench, forward_flops](benchmark::State& state) {
        const Layer& layer = bench->layer();
        for (auto _ : state) {
          const auto run = layer.forward(bench->context(), bench->x(), bench->batch());
          benchmark::DoNotOptimize(run.output.data());
        }
        state.counters["flops"] = forward_flops(*bench);
      },
      forward_stages);

  add(
      "forward_backward",
      [bench, forward_flops](benchmark::State& state) {
        const Layer& layer = bench->layer();
        Layer& gradient = bench->gradient();
        for (auto _ : state) {
          auto [y_TD, saved, stats] = layer.forward(bench->context(), bench->x(), bench->batch());
          benchmark::DoNotOptimize(y_TD.data());
          const auto d_x_TD =
              layer.backward(bench->context(), bench->d_y(), LayerBench<Layer>::d_stats, std::move(saved), gradient);
          benchmark::DoNotOptimize(d_x_TD.data());
        }
        state.counters["flops"] = 3 * forward_flops(*bench);
      },
      both_stages);

  // As the weights stand, and packed once before, as they are or narrow.
  struct Weights {
    std::string suffix;
    std::function<const Context&()> context;
  };
  for (const Weights& weights :
       {Weights{"", [bench]() -> const Context& { return bench->context(); }},
        Weights{"_packed", [bench]() -> const Context& { return bench->packed(); }},
        Weights{"_packed_bf16", [bench]() -> const Context& { return bench->packed_narrow(); }}}) {
    const bool staged = weights.suffix.empty();
    add(
        "infer" + weights.suffix,
        [bench, context_now = weights.context](benchmark::State& state) {
          const Layer& layer = bench->layer();
          const Context& c = context_now();
          for (auto _ : state) {
            const auto y_TD = layer.infer(c, bench->x(), bench->batch());
            benchmark::DoNotOptimize(y_TD.data());
          }
          state.counters["flops"] = bench->flops("infer", [&] {
            return flops_of_pair(layer) *
                   static_cast<double>(inference_pairs(layer, bench->context(), bench->x(), bench->batch()));
          });
        },
        staged ? infer_stages : Run());

    for (const Index wanted : {1, 8}) {
      // Two windows or more: in a sequence's first one often no expert of the segment level works.
      const Index sequences = std::min(wanted, shape.rows);
      const Index steps = std::max(std::min<Index>(64, shape.rows) / sequences, 2 * window_of(shape));
      Run stages;
      if constexpr (has_decoding_stages)
        if (staged)
          stages = [bench, sequences](benchmark::State& state) {
            const Layer& layer = bench->layer();
            auto decoding = layer.begin_decoding(bench->context(), sequences);
            Stopwatch watch;
            Index step = 0;
            for (auto _ : state) {
              watch.start();
              const auto y_BD =
                  staged_decode(layer, bench->context(), bench->x_of_step(step++, sequences), decoding, watch);
              benchmark::DoNotOptimize(y_BD.data());
            }
            watch.report(state);
          };
      // The same rows in every repetition, whole or in stages: they differ in whom they meet.
      add(
          "decode_" + std::to_string(wanted) + weights.suffix,
          [bench, sequences, steps, context_now = weights.context](benchmark::State& state) {
            const Layer& layer = bench->layer();
            const Context& c = context_now();
            auto decoding = layer.begin_decoding(c, sequences);
            Index step = 0;
            for (auto _ : state) {
              const auto y_BD = layer.decode(c, bench->x_of_step(step++, sequences), {}, decoding);
              benchmark::DoNotOptimize(y_BD.data());
            }
            state.counters["flops"] = bench->flops("decode_" + std::to_string(sequences), [&] {
              auto again = layer.begin_decoding(bench->context(), sequences);
              double pairs = 0;
              for (Index s = 0; s < steps; ++s) {
                const ConstView x_BD = bench->x_of_step(s, sequences);
                layer.decode(bench->context(), x_BD, {}, again);
                pairs += static_cast<double>(decoding_pairs(layer, bench->context(), x_BD, again));
              }
              return flops_of_pair(layer) * pairs / static_cast<double>(steps);
            });
          },
          stages, steps);
    }
  }
}

}  // namespace moe_bench
