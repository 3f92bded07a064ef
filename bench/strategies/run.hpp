/// Runs strategies in rounds on any backend. A Device provides its Backend, a context, synchronization, and memory
/// measurement.
#pragma once

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "bench/strategies/all.hpp"
#include "bench/strategies/result.hpp"
#include "moe/core/random.hpp"
#include "moe/train/walk.hpp"

namespace moe_bench {

/// Fills with uniform values of mean 0 and the given standard deviation, a function of name and position only.
template <class Tensor>
void draw_weight(const typename Tensor::Backend::Context& context, Tensor& tensor, const std::string& name,
                 double deviation) {
  const moe::RandomKey key{.seed = 7, .step = 0, .layer = moe::name_hash(name)};
  const Index size = tensor.size();
  const float scale = static_cast<float>(deviation * std::sqrt(12.0) * 0x1p-32);
  Tensor::Backend::for_each_element(context, (size + 3) / 4, [=, values = tensor.data()] MOE_ON_DEVICE(Index quad) {
    const auto words = moe::random_words(key, static_cast<std::uint64_t>(quad));
    for (Index i = 0; i < 4 && 4 * quad + i < size; ++i)
      values[4 * quad + i] = scale * (static_cast<float>(words[static_cast<std::size_t>(i)]) - 0x1p31f);
  });
}

/// Weights that preserve the scale of activations. Those of the gates are drawn too, so that routers have different
/// logits.
template <class Layer>
void draw_weights(const typename Layer::Context& context, Layer& layer) {
  moe::for_each_parameter(
      [&](const std::string& name, auto& weight) {
        draw_weight(context, weight, name, 1 / std::sqrt(static_cast<double>(weight.cols())));
      },
      layer);
}

/// The FLOPs of the products of a forward pass: 2 for each weight of an expert or adapter and each row that it
/// processes, and 2 for each other weight and every row.
template <class Layer>
double product_flops(const Layer& layer, const std::vector<Index>& loads, Index rows) {
  std::map<std::string, std::size_t> number_of;
  double flops = 0;
  moe::for_each_parameter(
      [&](const std::string& name, const auto& weight) {
        Index times = rows;
        for (const std::string word : {"experts.", "adapters."})
          if (const auto at = name.find(word); at != std::string::npos && (at == 0 || name[at - 1] == '.') &&
                                               name.size() > at + word.size() && name[at + word.size()] >= '0' &&
                                               name[at + word.size()] <= '9') {
            // The name of an expert includes its level's prefix; an adapter has the same name in each projection.
            const auto end = name.find('.', at + word.size());
            const std::string expert = word == "experts." ? name.substr(0, end) : name.substr(at, end - at);
            times = loads.at(number_of.emplace(expert, number_of.size()).first->second);
          }
        flops += 2.0 * static_cast<double>(times) * static_cast<double>(weight.size());
      },
      layer);
  return flops;
}

/// The passes of one strategy, and their results.
template <class Device>
class StrategyRuns {
 public:
  using B = typename Device::Backend;
  using Context = typename B::Context;
  using Layer = moe::AnyLayer<float, B>;
  using Tensor = moe::Matrix<float, B>;

  /// Rows on the host and on the backend.
  struct Given {
    Rows rows;
    Tensor x_TD;

    Given(const Context& context, Rows drawn)
        : rows(std::move(drawn)), x_TD(Tensor::uninitialized(context, rows.count(), rows.width)) {
      B::upload(context, rows.x_TD.data(), x_TD.view());
    }
    moe::View<const float, B> x() const { return x_TD.view(); }
  };
  /// Inputs, the same for every strategy.
  struct Inputs {
    /// Four sequences, gradients of the outputs, the same rows as one sequence, and the last sequence after other ones.
    Given batch, slope, single, other_neighbors;
    /// Prefixes of the single sequence.
    std::vector<Given> beginnings;

    Inputs(const Context& context, const RunPlan& plan) : Inputs(context, plan, draw(plan, plan.lengths(), 1)) {}

   private:
    Inputs(const Context& context, const RunPlan& plan, const Rows& rows)
        : batch(context, rows),
          slope(context, draw_rows(Input::iid, {plan.shape.rows}, plan.shape.width, 1, 2)),
          single(context, rows.first(rows.count())),
          other_neighbors(context, mates(plan).followed_by(last_of(rows))) {
      for (const Index quarter : {1, 2, 3})
        if (const Index cut = quarter * rows.count() / 4 + 1; cut < rows.count())
          beginnings.emplace_back(context, rows.first(cut));
    }
    static Rows draw(const RunPlan& plan, const std::vector<Index>& lengths, std::uint64_t seed) {
      return draw_rows(plan.input, lengths, plan.shape.width, plan.sizes().languages, seed);
    }
    static Rows mates(const RunPlan& plan) {
      std::vector<Index> lengths = plan.lengths();
      lengths.pop_back();
      if (!lengths.empty() && lengths.front() > 1) --lengths.front();
      return draw(plan, lengths, 3);
    }
    static Rows last_of(const Rows& rows) {
      const auto begin = static_cast<std::ptrdiff_t>(rows.count() - rows.lengths.back());
      return {rows.width,
              {rows.x_TD.begin() + begin * rows.width, rows.x_TD.end()},
              {rows.tokens.begin() + begin, rows.tokens.end()},
              {rows.languages.begin() + begin, rows.languages.end()},
              {rows.lengths.back()}};
    }
  };

  explicit StrategyRuns(const Strategy<B>& strategy) : strategy_(strategy) {}

  /// One round: makes the layer again, so that the weights of one strategy are in memory at a time, warms up, and
  /// measures. The first round does not measure times, but all results that need no repetition.
  void take_turn(const Context& base, const RunPlan& plan, const Inputs& inputs) {
    Layer layer = strategy_.make(plan.sizes());
    draw_weights(base, layer);
    Layer gradient = moe::gradient_for(layer);
    Context context = Device::alone(base);
    const Index bytes = Device::bytes_of(context, [&] {
      auto run = layer.forward(context, inputs.batch.x(), inputs.batch.rows.batch());
      layer.update_buffers(context, run.stats);
      layer.backward(context, inputs.slope.x(), strategy_.losses, std::move(run.saved), gradient);
    });
    if (iterations_ == 0) {
      result_.peak_bytes = bytes;
      moe::for_each_parameter([&](const std::string&, const auto& weight) { result_.parameters += weight.size(); },
                              layer);
      const auto [forward, backward] = timed(layer, gradient, context, inputs);
      iterations_ = std::clamp(static_cast<int>(plan.repetition_seconds / (forward + backward)), 1, 10'000);
      look_at_decisions(layer, context, inputs);
      return;
    }
    double forward = 0, backward = 0;
    for (int i = 0; i < iterations_; ++i) {
      const auto [f, b] = timed(layer, gradient, context, inputs);
      forward += f;
      backward += b;
    }
    forward_.push_back(forward / iterations_);
    backward_.push_back(backward / iterations_);
    both_.push_back(forward_.back() + backward_.back());
    time_phases(layer, gradient, context, inputs);
  }

  StrategyResult result(Index rows) const {
    StrategyResult result = result_;
    result.name = strategy_.name;
    result.repetitions = static_cast<int>(both_.size());
    result.forward = spread_of(forward_);
    result.backward = spread_of(backward_);
    result.both = spread_of(both_);
    for (std::size_t p = 0; p < phase_names.size(); ++p) {
      result.forward_phases[p] = spread_of(forward_phases_[p]);
      result.backward_phases[p] = spread_of(backward_phases_[p]);
    }
    result.tokens_per_second = static_cast<double>(rows) / result.both.median;
    return result;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Seconds of a forward and of a backward pass.
  std::pair<double, double> timed(const Layer& layer, Layer& gradient, const Context& context, const Inputs& inputs) {
    const moe::Batch batch = inputs.batch.rows.batch();
    Device::wait(context);
    const auto began = Clock::now();
    auto run = layer.forward(context, inputs.batch.x(), batch);
    Device::wait(context);
    const auto turned = Clock::now();
    const Tensor d_x_TD = layer.backward(context, inputs.slope.x(), strategy_.losses, std::move(run.saved), gradient);
    Device::wait(context);
    const std::chrono::duration<double> forward = turned - began, backward = Clock::now() - turned;
    return {forward.count(), backward.count()};
  }

  void time_phases(const Layer& layer, Layer& gradient, Context context, const Inputs& inputs) {
    const moe::Batch batch = inputs.batch.rows.batch();
    const Context plain = context;
    PhaseWatch watch;
    context.phases = [&](moe::Phase phase, moe::PhaseEdge edge) {
      Device::wait(plain);
      watch.hear(phase, edge);
    };
    PhaseSeconds forward{}, backward{};
    const auto add = [&](PhaseSeconds& sums) {
      Device::wait(plain);
      const PhaseSeconds seconds = watch.end();
      for (std::size_t p = 0; p < sums.size(); ++p) sums[p] += seconds[p];
    };
    for (int i = 0; i < iterations_; ++i) {
      watch.begin();
      auto run = layer.forward(context, inputs.batch.x(), batch);
      add(forward);
      watch.begin();
      const Tensor d_x_TD = layer.backward(context, inputs.slope.x(), strategy_.losses, std::move(run.saved), gradient);
      add(backward);
    }
    for (std::size_t p = 0; p < phase_names.size(); ++p) {
      forward_phases_[p].push_back(forward[p] / iterations_);
      backward_phases_[p].push_back(backward[p] / iterations_);
    }
  }

  void look_at_decisions(const Layer& layer, Context context, const Inputs& inputs) {
    std::vector<moe::Observation> seen;
    context.observer = [&](const moe::Observation& observation) { seen.push_back(observation); };
    const auto training = [&] {
      seen.clear();
      layer.forward(context, inputs.batch.x(), inputs.batch.rows.batch());
      return decisions_of(seen);
    };
    const auto inference = [&](const Given& given) {
      seen.clear();
      layer.infer(context, given.x(), given.rows.batch());
      return decisions_of(seen);
    };

    const Decisions trained = training();
    const std::vector<Index> loads = loads_of(trained);
    const Index rows = inputs.batch.rows.count();
    // A backward pass has two products for each of the forward pass.
    result_.flops = 3 * product_flops(layer, loads, rows);
    if (trained.experts == 0) return;
    RoutingResult routing{.experts = trained.experts,
                          .balance = balance_of(loads),
                          .dropped = dropped_share(trained),
                          .unserved = unserved_share(trained),
                          .experts_per_row = experts_per_row(trained),
                          .gate_entropy = gate_entropy(trained)};
    const Decisions whole = inference(inputs.single);
    Change flips;
    for (const Given& beginning : inputs.beginnings) {
      const Change change = change_between(whole, 0, inference(beginning), 0, beginning.rows.count());
      flips.pairs += change.pairs;
      flips.changed += change.changed;
    }
    routing.flips = flips.share();
    const Index last = inputs.batch.rows.lengths.back();
    const Decisions among_mates = inference(inputs.batch), among_others = inference(inputs.other_neighbors);
    routing.neighbor_sensitivity =
        change_between(among_mates, rows - last, among_others, among_others.rows - last, last).share();
    result_.routing = routing;
  }

  Strategy<B> strategy_;
  StrategyResult result_;
  /// Forward and backward passes per repetition; 0 before the first round.
  int iterations_ = 0;
  std::vector<double> forward_, backward_, both_;
  std::array<std::vector<double>, phase_names.size()> forward_phases_, backward_phases_;
};

/// Fills `of_dense` from the strategy "dense", if it is among the results.
inline void compare_with_dense(std::vector<StrategyResult>& results) {
  const auto dense =
      std::find_if(results.begin(), results.end(), [](const StrategyResult& r) { return r.name == "dense"; });
  if (dense == results.end()) return;
  const double rate = dense->flops / dense->both.median;
  for (StrategyResult& r : results) r.of_dense = r.flops / r.both.median / rate;
}

/// Runs the named strategies, and "dense" first, in rounds: each round measures every strategy once, so that a
/// temporary disturbance of the machine affects all of them. The first round is a warm-up.
template <class Device>
std::vector<StrategyResult> run_strategies(const std::vector<Strategy<typename Device::Backend>>& strategies,
                                           const std::vector<std::string>& names, const RunPlan& plan,
                                           const Progress& progress) {
  using Runs = StrategyRuns<Device>;
  const auto context = Device::context(plan.threads);
  const typename Runs::Inputs inputs(context, plan);
  std::vector<Runs> runs;
  std::vector<std::string> order;
  for (const auto& strategy : strategies)
    if (strategy.name == "dense" || std::find(names.begin(), names.end(), strategy.name) != names.end()) {
      runs.emplace_back(strategy);
      order.push_back(strategy.name);
    }
  for (int round = 0; round <= plan.repetitions; ++round)
    for (std::size_t i = 0; i < runs.size(); ++i) {
      progress(round, order[i]);
      runs[i].take_turn(context, plan, inputs);
    }
  std::vector<StrategyResult> results;
  for (const Runs& each : runs) results.push_back(each.result(plan.shape.rows));
  compare_with_dense(results);
  return results;
}

}  // namespace moe_bench
