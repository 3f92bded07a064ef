#include "multipl_moe/train/spread_plan.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <string>

#include "multipl_moe/model/parameter_count.hpp"
#include "multipl_moe/model/tensor_list.hpp"

namespace multipl_moe {

namespace {

using PerProcess = std::vector<double>;

/// What is spread of one layer.
struct SpreadLayer {
  PerProcess rows;     ///< of one micro-batch of a process, that go to each process
  PerProcess experts;  ///< of each process
};

/// By the number of the layer. An expert is counted by its last projection, of which it has one.
std::map<std::int64_t, SpreadLayer> layers_of(const ModelConfig& config, const std::vector<int>& homes, int processes,
                                              std::int64_t tokens) {
  std::map<std::int64_t, SpreadLayer> layers;
  const auto list = list_tensors(config);
  for (std::size_t t = 0; t < list.size(); ++t) {
    const std::string& name = list[t].name;
    if (homes[t] == moe::Placement::everywhere || !name.ends_with(".down_proj.weight")) continue;
    SpreadLayer& layer = layers[number_in_name(".layers.", name)];
    layer.rows.resize(static_cast<std::size_t>(processes));
    layer.experts.resize(layer.rows.size());
    const auto home = static_cast<std::size_t>(homes[t]);
    layer.rows[home] += static_cast<double>(tokens) * share_of_tokens(name, config);
    ++layer.experts[home];
  }
  return layers;
}

}  // namespace

std::vector<int> homes_of_tensors(const ModelConfig& config, ExpertPlacement placement, int processes) {
  std::vector<int> homes(list_tensors(config).size(), moe::Placement::everywhere);
  if (placement == ExpertPlacement::everywhere || processes == 1 || !config.moe) return homes;
  // Processes beyond the number of experts have none.
  const auto experts = config.moe->num_token_experts + config.moe->num_segment_experts;
  const auto with_experts = static_cast<int>(std::min<std::int64_t>(processes, experts));
  const auto list_of = [&](int process) { return list_tensors(config, {placement, process, processes}); };
  const auto of_first = list_of(0);
  for (int p = 0; p < with_experts; ++p) {
    // What process 0 lacks is spread, and what it has and another lacks.
    const auto of_other = list_of(p == 0 ? 1 : p);
    const auto &here = p == 0 ? of_first : of_other, &elsewhere = p == 0 ? of_other : of_first;
    for (std::size_t t = 0; t < homes.size(); ++t)
      if (here[t].count() > 0 && elsewhere[t].count() == 0) homes[t] = p;
  }
  return homes;
}

SpreadLayers spread_layers(const ModelConfig& config, const std::vector<int>& homes, int processes,
                           const TravelingRows& rows, std::int64_t micro_batches) {
  SpreadLayers spread;
  const auto layers = layers_of(config, homes, processes, rows.tokens);
  if (layers.empty()) return spread;
  spread.layers = std::ssize(layers);
  const std::int64_t value_bytes = value_bytes_of(rows.dtype), row_bytes = value_bytes * config.hidden_size;
  const std::int64_t forwards = micro_batches * (rows.is_recomputed ? 2 : 1);

  const auto add = [&](const char* site, std::int64_t passes, std::int64_t bytes_of_row, std::int64_t calls) {
    PlannedExchange exchange = announced_exchange(site, processes);
    exchange.way = PlannedExchange::Way::there_and_back;
    exchange.announced_bytes = 0;  // added below, by layer
    for (const auto& [number, layer] : layers) {
      for (std::size_t p = 0; p < layer.rows.size(); ++p)
        exchange.bytes[p] += passes * bytes_of_row * std::llround(layer.rows[p]);
      const auto most = static_cast<std::int64_t>(*std::max_element(layer.experts.begin(), layer.experts.end()));
      // Forward tells how many rows come to each expert; backward knows it.
      exchange.announced_bytes += passes * announced_exchange(site, processes, calls == 2 ? most : 0).announced_bytes;
    }
    exchange.calls = passes * calls * std::ssize(layers);
    exchange.announcements = passes * std::ssize(layers);
    spread.exchanges.push_back(std::move(exchange));
  };
  add("rows to their experts, forward", forwards, row_bytes, 2);
  // Backward also sends each row's weight, and its gradient back.
  add("rows to their experts, backward", micro_batches, row_bytes + static_cast<std::int64_t>(sizeof(float)), 4);

  // The rows of all processes for the experts of one.
  std::int64_t kept = 0, largest = 0;
  for (const auto& [number, layer] : layers) {
    const double most = *std::max_element(layer.rows.begin(), layer.rows.end());
    const auto bytes = static_cast<std::int64_t>(std::ceil(processes * most)) * row_bytes;
    kept = rows.is_recomputed ? std::max(kept, bytes) : kept + bytes;
    largest = std::max(largest, bytes);
  }
  PerProcess rows_here(static_cast<std::size_t>(processes));
  for (const auto& [number, layer] : layers)
    for (std::size_t p = 0; p < rows_here.size(); ++p) rows_here[p] += layer.rows[p];
  spread.busiest = processes * *std::max_element(rows_here.begin(), rows_here.end()) /
                   std::accumulate(rows_here.begin(), rows_here.end(), 0.0);
  // Beside them, in backward: gradients that arrive, those that leave, and the copies that the exchange sorts.
  spread.row_bytes = kept + 4 * largest;
  return spread;
}

double busiest_computation(const ModelConfig& config, const std::function<bool(std::string_view)>& trains,
                           const std::vector<int>& homes, double busiest_rows) {
  // Each weight takes part in the output and in the gradient of the input, and if it trains in its own gradient.
  const auto products = [](double values, double trained) { return 2 * values + trained; };
  const MatrixValues all = matrix_values_of_token(config, trains);
  double spread = 0, trained = 0;
  const auto list = list_tensors(config);
  for (std::size_t t = 0; t < list.size(); ++t) {
    if (homes[t] == moe::Placement::everywhere || list[t].kind != TensorKind::matrix) continue;
    const double values = share_of_tokens(list[t].name, config) * static_cast<double>(list[t].count());
    spread += values;
    if (trains(list[t].name)) trained += values;
  }
  const double share = products(spread, trained) / products(all.in_layers + all.in_head, all.trainable);
  return 1 + share * (busiest_rows - 1);
}

}  // namespace multipl_moe
