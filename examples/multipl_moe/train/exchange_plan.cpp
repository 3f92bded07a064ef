#include "multipl_moe/train/exchange_plan.hpp"

#include <algorithm>
#include <bit>
#include <optional>
#include <utility>

#include "moe/comm/ranks_over.hpp"
#include "moe/train/sharded.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/skeleton_block.hpp"
#include "multipl_moe/model/tensor_list.hpp"
#include "multipl_moe/train/spread_plan.hpp"
#include "multipl_moe/train/tensors_of_ranks.hpp"

namespace multipl_moe {

namespace {

constexpr std::int64_t number_bytes = sizeof(moe::Index);

std::int64_t most(const std::vector<std::int64_t>& values) { return *std::max_element(values.begin(), values.end()); }
std::int64_t pieces_of(std::int64_t bytes, std::int64_t piece) { return (bytes + piece - 1) / piece; }

/// A weight that trains.
struct TrainedWeight {
  ListedTensor tensor;
  std::int64_t value_bytes = 4;
  bool is_on_all = true;  ///< otherwise its owner alone has it
  int owner = 0;
};

/// What a layer's passes over one micro-batch report to other processes.
struct LayerReport {
  std::int64_t observed_bytes = 0;  ///< for the update of buffers
  std::int64_t loads = 0;           ///< numbers of loads
};

/// Measured in a pass over two rows: a report depends on the layer's kind and its number of experts alone.
LayerReport report_of(const ModelConfig& config) {
  constexpr moe::Index rows = 2;
  LayerReport report;
  const Layer layer = skeleton_block(config).mlp;
  Layer::Context context{.threads = 1};
  // Rows that each expert was chosen by, and those that it kept.
  context.observer = [&report](const moe::Observation& seen) { report.loads += 2 * seen.experts; };
  moe::Batch batch = moe::Batch::sequences(1, rows);
  const std::vector<std::int32_t> tokens(rows), languages(rows);
  batch.tokens = tokens;
  batch.languages = languages;
  batch.random = moe::StepKey{};
  const auto x_TD = Layer::Tensor::zeros(context, rows, config.hidden_size);
  const auto stats = layer.forward(context, x_TD.view(), batch).stats;
  report.observed_bytes = std::ssize(layer.observed_bytes_of(context, stats));
  return report;
}

/// By layer; the layers of each kind are alike.
std::vector<LayerReport> reports_of(const ModelConfig& config) {
  std::optional<LayerReport> of_dense, of_mixture;
  std::vector<LayerReport> reports;
  for (std::int64_t l = 0; l < config.num_hidden_layers; ++l) {
    const ModelConfig layer = config.of_layer(l);
    auto& report = layer.moe ? of_mixture : of_dense;
    if (!report) report = report_of(layer);
    reports.push_back(*report);
  }
  return reports;
}

/// Plans the exchanges of one run.
class Planner {
 public:
  Planner(const ModelConfig& config, const std::function<bool(std::string_view)>& trains, const DealtRun& run)
      : run_(run) {
    if (run.processes > 1) reports_ = reports_of(config);
    const std::vector<int> homes = homes_of_tensors(config, run.placement, run.processes);
    // Gradients of tensors that all processes have, and of those that one has alone.
    std::vector<moe::Index> gradients, alone(static_cast<std::size_t>(run.processes));
    for (ListedTensor& tensor : list_tensors(config)) {
      const int home = homes[static_cast<std::size_t>(all_tensors_++)];
      if (tensor.kind == TensorKind::buffer) continue;
      const bool is_trained = trains(tensor.name), is_on_all = home == moe::Placement::everywhere;
      const std::int64_t value_bytes = is_always_float(tensor) ? 4 : value_bytes_of(run.dtype);
      if (home > 0) far_weights_.push_back({value_bytes * tensor.count(), home});
      const std::int64_t gradient = is_trained ? 4 * tensor.count() : 0;
      gradients.push_back(is_on_all ? gradient : 0);
      if (!is_on_all) alone[static_cast<std::size_t>(home)] += gradient;
      if (is_trained) weights_.push_back({std::move(tensor), value_bytes, is_on_all, is_on_all ? 0 : home});
    }
    all_weights_ = std::ssize(gradients);
    const moe::Ownership owners = moe::Ownership::of(gradients, run.processes, alone);
    auto next = weights_.begin();
    for (const int owner : owners.of_tensor) {
      if (owner == moe::Ownership::none) continue;
      while (!next->is_on_all) ++next;
      next++->owner = owner;
    }
    spread_ = spread_layers(config, homes, run.processes, {run.tokens, run.dtype, run.is_recomputed}, micro_batches());
    if (spread_.layers > 0) busiest_ = busiest_computation(config, trains, homes, spread_.busiest);
  }

  ExchangePlan plan() const {
    ExchangePlan plan;
    plan.part = part();
    plan.busiest = busiest_;
    if (run_.processes == 1) return plan;
    // Asked for the checkpoint's tensors and for the hash of the weights.
    const PlannedExchange which = gathered_exchange("which weights a process has", run_.processes, all_tensors_);
    plan.start = {announced_exchange("owners of weights", run_.processes, all_weights_),
                  share_of_weights(),
                  which,
                  list_of_states(),
                  which,
                  gathered_exchange("settings of the run", run_.processes, sizeof(std::uint64_t))};
    if (spread_.layers > 0) plan.start.insert(plan.start.begin(), placement_of_experts());
    plan.resume = {gathered_exchange("the beginning of the run", run_.processes, number_bytes)};
    plan.step = {sum_of_gradients(), losses(), signals_and_loads(), norm(), share_of_weights(), update_of_buffers()};
    plan.step.insert(plan.step.begin(), spread_.exchanges.begin(), spread_.exchanges.end());
    // Spread experts need all processes for every batch, so each has all losses.
    if (spread_.exchanges.empty()) plan.evaluation = {held_out_losses()};
    plan.save = {tensors_for_a_checkpoint()};
    return plan;
  }

 private:
  /// value(weight) summed by owner.
  template <class Value>
  std::vector<std::int64_t> by_owner(const Value& value) const {
    std::vector<std::int64_t> sums(static_cast<std::size_t>(run_.processes));
    for (const TrainedWeight& weight : weights_) sums[static_cast<std::size_t>(weight.owner)] += value(weight);
    return sums;
  }
  /// Of the weights that all processes have, as are the bytes of the weights themselves.
  std::vector<std::int64_t> gradient_bytes() const {
    return by_owner([](const TrainedWeight& weight) { return weight.is_on_all ? 4 * weight.tensor.count() : 0; });
  }
  std::vector<std::int64_t> weight_bytes() const {
    return by_owner(
        [](const TrainedWeight& weight) { return weight.is_on_all ? weight.value_bytes * weight.tensor.count() : 0; });
  }
  /// The tensors of the optimizer's state of a weight, without values.
  std::vector<TensorRef> state_of(const TrainedWeight& weight) const {
    std::vector<TensorRef> state;
    const auto add = [&](const char* suffix, std::string_view dtype, std::int64_t value_bytes) {
      state.push_back({.name = weight.tensor.name + suffix,
                       .shape = weight.tensor.shape,
                       .dtype = dtype,
                       .bytes = static_cast<std::size_t>(weight.tensor.count() * value_bytes)});
    };
    const bool is_narrow = run_.precision.moments == AdamWPrecision::Moments::bfloat16;
    for (const char* moment : {".exp_avg", ".exp_avg_sq"}) add(moment, is_narrow ? "BF16" : "F32", is_narrow ? 2 : 4);
    const bool is_float_in_bfloat16 = run_.dtype == ModelDtype::bfloat16 && weight.value_bytes == 4;
    if (run_.precision.master == moe::MasterWeights::split && !is_float_in_bfloat16) add(".master_lower", "U16", 2);
    return state;
  }

  ProcessPart part() const {
    const std::int64_t slots = run_.slots / run_.processes;
    ProcessPart part{.owned = most(by_owner([](const TrainedWeight& weight) { return weight.tensor.count(); }))};
    if (slots > 1) part.gradients += std::bit_width(static_cast<std::uint64_t>(slots));
    if (run_.processes > 1) {
      // A piece of every owner's gradients is sent, and pieces of one's own come from all.
      std::int64_t sent = 0;
      const std::vector<std::int64_t> bytes = gradient_bytes();
      for (const std::int64_t of_owner : bytes) sent += std::min(of_owner, moe::default_bucket);
      part.exchange_bytes = sent + run_.processes * std::min(most(bytes), moe::default_bucket) + spread_.row_bytes;
    }
    return part;
  }

  /// Buckets of tensors that go the given way.
  PlannedExchange in_buckets(const char* site, PlannedExchange::Way way, std::vector<std::int64_t> bytes) const {
    PlannedExchange exchange = announced_exchange(site, run_.processes);
    exchange.way = way;
    exchange.calls = pieces_of(most(bytes), moe::default_bucket);
    exchange.bytes = std::move(bytes);
    return exchange;
  }
  PlannedExchange sum_of_gradients() const {
    return in_buckets("sum of gradients", PlannedExchange::Way::to_owner, gradient_bytes());
  }
  PlannedExchange share_of_weights() const {
    std::int64_t widest = 1;
    for (const TrainedWeight& weight : weights_)
      if (weight.is_on_all) widest = std::max(widest, weight.value_bytes);
    std::vector<std::int64_t> bytes = weight_bytes();
    for (std::int64_t& of_owner : bytes) of_owner = pieces_of(of_owner, widest) * widest;
    return in_buckets("share of weights", PlannedExchange::Way::to_all, std::move(bytes));
  }

  /// Compared while the model is made, layer by layer.
  PlannedExchange placement_of_experts() const {
    PlannedExchange exchange = announced_exchange("placement of experts", run_.processes);
    exchange.announcements = spread_.layers;
    exchange.announced_bytes *= spread_.layers;
    return exchange;
  }
  PlannedExchange list_of_states() const {
    return gathered_exchange("the list of the optimizer's state", by_owner([this](const TrainedWeight& weight) {
                               return std::ssize(list_of_state(state_of(weight)));
                             }));
  }
  std::int64_t micro_batches() const { return run_.micro_batches / run_.processes; }
  PlannedExchange losses() const {
    return gathered_exchange("losses of a step", run_.processes,
                             micro_batches() * static_cast<std::int64_t>(sizeof(MicroBatchLoss)));
  }
  PlannedExchange signals_and_loads() const {
    std::int64_t numbers = 1;
    for (const LayerReport& report : reports_) numbers += report.loads;
    return gathered_exchange("signals and loads of a step", run_.processes, numbers * number_bytes);
  }
  PlannedExchange norm() const {
    return gathered_exchange("norm of the gradient",
                             by_owner([](const TrainedWeight&) { return static_cast<std::int64_t>(sizeof(double)); }));
  }
  PlannedExchange update_of_buffers() const {
    PlannedExchange exchange = gathered_exchange("update of buffers", run_.processes, 0);
    exchange.calls = exchange.announcements = std::ssize(reports_);
    exchange.announced_bytes *= exchange.announcements;
    for (const LayerReport& report : reports_)
      for (std::int64_t& bytes : exchange.bytes) bytes += micro_batches() * (number_bytes + report.observed_bytes);
    return exchange;
  }
  PlannedExchange held_out_losses() const {
    PlannedExchange exchange = gathered_exchange("losses on held-out text", run_.processes, 0);
    constexpr std::int64_t language_and_loss = 16;
    for (std::int64_t language = 0; language < run_.held_out_languages; ++language)
      exchange.bytes[static_cast<std::size_t>(language % run_.processes)] += language_and_loss;
    return exchange;
  }
  /// Process 0 asks for the state of the others, and for the experts that it does not have.
  PlannedExchange tensors_for_a_checkpoint() const {
    PlannedExchange exchange = announced_exchange("tensors for a checkpoint", run_.processes);
    exchange.way = PlannedExchange::Way::to_first;
    const auto add = [&](std::int64_t bytes, int owner) {
      exchange.bytes[static_cast<std::size_t>(owner)] += bytes;
      if (owner > 0) exchange.calls += pieces_of(bytes, TensorRef::piece_bytes);
    };
    for (const auto& [bytes, home] : far_weights_) add(bytes, home);
    for (const TrainedWeight& weight : weights_)
      for (const TensorRef& tensor : state_of(weight)) add(static_cast<std::int64_t>(tensor.bytes), weight.owner);
    // Of each piece what process 0 asks for, and its size; in the end that it has all.
    exchange.announcements = 2 * exchange.calls + 1;
    exchange.announced_bytes *= exchange.announcements;
    exchange.bytes.front() = 0;
    return exchange;
  }

  const DealtRun& run_;
  std::vector<LayerReport> reports_;
  SpreadLayers spread_;
  double busiest_ = 1;
  std::vector<std::pair<std::int64_t, int>> far_weights_;  ///< bytes and home of those that process 0 does not have
  std::int64_t all_weights_ = 0, all_tensors_ = 0;
  std::vector<TrainedWeight> weights_;
};

}  // namespace

ExchangePlan exchange_plan(const ModelConfig& config, const std::function<bool(std::string_view)>& trains,
                           const DealtRun& run) {
  return Planner(config, trains, run).plan();
}

}  // namespace multipl_moe
