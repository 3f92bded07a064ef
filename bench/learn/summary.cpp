#include "bench/learn/summary.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <map>
#include <numeric>
#include <set>

namespace moe_bench {

namespace {

constexpr double nothing = std::numeric_limits<double>::quiet_NaN();

double ratio(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

std::vector<std::string> names_in(const Record& record) {
  std::vector<std::string> names;
  for (const ResultLine& result : record.results)
    if (std::find(names.begin(), names.end(), result.strategy) == names.end()) names.push_back(result.strategy);
  return names;
}

bool has_figures(const ResultLine& result) {
  return result.failure.empty() && std::isfinite(result.mean_bits_per_byte());
}

/// The step lines of the strategy's runs with a valid result.
std::vector<const StepLine*> steps_of(const Record& record, const StrategySummary& strategy) {
  std::vector<const StepLine*> steps;
  for (const StepLine& step : record.steps)
    if (step.strategy == strategy.name && std::binary_search(strategy.seeds.begin(), strategy.seeds.end(), step.seed))
      steps.push_back(&step);
  return steps;
}

using LevelName = std::pair<std::int64_t, std::string>;
LevelName name_of(const LevelLoad& level) { return {level.layer, level.level}; }

/// Levels in which exactly one expert processes every row, in every line.
std::set<LevelName> levels_with_a_shared_expert(const std::vector<const StepLine*>& steps) {
  std::set<LevelName> with, without;
  for (const StepLine* step : steps)
    for (const LevelLoad& level : step->levels) {
      const auto everywhere = std::count(level.load.begin(), level.load.end(), level.rows);
      (everywhere == 1 && level.load.size() > 1 && level.kept > level.rows ? with : without).insert(name_of(level));
    }
  for (const LevelName& name : without) with.erase(name);
  return with;
}

void sum_up_routing(StrategySummary& summary, const std::vector<const StepLine*>& steps) {
  const auto shared = levels_with_a_shared_expert(steps);
  const std::int64_t last = steps.empty() ? 0 : steps.back()->step;
  std::vector<double> peaks;
  std::int64_t chosen = 0, kept = 0, rows = 0, unserved = 0;
  double met = 0, experts = 0;
  for (const StepLine* step : steps) {
    if (2 * step->step <= last) continue;
    for (const LevelLoad& level : step->levels) {
      peaks.push_back(shared.contains(name_of(level)) ? level.peak_of_rest : level.peak);
      chosen += level.chosen;
      kept += level.kept;
      rows += level.rows;
      unserved += level.unserved;
      met += ratio(level.kept, level.rows);
      experts += static_cast<double>(level.load.size());
    }
  }
  if (peaks.empty()) return;
  summary.peak = statistic_of(peaks).mean;
  summary.dropped = ratio(chosen - kept, chosen);
  summary.unserved = ratio(unserved, rows);
  summary.met = met / experts;
}

void sum_up_curve(StrategySummary& summary, const std::vector<const StepLine*>& steps) {
  std::map<std::int64_t, std::pair<std::vector<double>, std::vector<double>>> by_tokens;
  for (const StepLine* step : steps)
    if (std::isfinite(step->held_out)) {
      by_tokens[step->tokens].first.push_back(step->seconds);
      by_tokens[step->tokens].second.push_back(step->held_out);
    }
  for (const auto& [tokens, values] : by_tokens)
    summary.curve.push_back({tokens, statistic_of(values.first).mean, statistic_of(values.second)});
}

void sum_up_levels(StrategySummary& summary, const std::vector<const StepLine*>& steps) {
  std::map<LevelName, std::map<std::int64_t, std::vector<std::int64_t>>> loads;
  for (const StepLine* step : steps) {
    if (step->seed != summary.seeds.front()) continue;
    for (const LevelLoad& level : step->levels) {
      auto& sum = loads[name_of(level)][step->step];
      sum.resize(level.load.size());
      std::transform(sum.begin(), sum.end(), level.load.begin(), sum.begin(), std::plus());
    }
  }
  for (const auto& [name, by_step] : loads) {
    LevelHistory history{name.first, name.second, {}, {}};
    for (const auto& [step, load] : by_step) {
      const auto all = std::accumulate(load.begin(), load.end(), std::int64_t{0});
      history.steps.push_back(step);
      std::vector<double>& shares = history.load_SE.emplace_back();
      for (const std::int64_t pairs : load) shares.push_back(ratio(pairs, all) * static_cast<double>(load.size()));
    }
    summary.levels.push_back(std::move(history));
  }
}

StrategySummary summary_of(const Record& record, const std::string& name) {
  StrategySummary summary;
  summary.name = name;
  std::vector<const ResultLine*> results;
  for (const ResultLine& result : record.results) {
    if (result.strategy != name) continue;
    summary.routing = result.routing;
    summary.causal = result.causal;
    summary.batch_invariant = result.batch_invariant;
    summary.parameters = result.parameters;
    if (has_figures(result))
      results.push_back(&result);
    else
      summary.failures.push_back(result.failure.empty() ? "the held-out loss is not finite" : result.failure);
  }
  std::sort(results.begin(), results.end(), [](const auto* a, const auto* b) { return a->seed < b->seed; });
  std::vector<double> rates, seconds;
  std::map<std::string, std::vector<double>> by_language;
  for (const ResultLine* result : results) {
    summary.seeds.push_back(result->seed);
    summary.bits_per_byte_by_seed.push_back(result->mean_bits_per_byte());
    rates.push_back(result->tokens_per_second());
    seconds.push_back(result->seconds);
    for (const auto& [language, bits] : result->bits_per_byte) by_language[language].push_back(bits);
  }
  summary.bits_per_byte = statistic_of(summary.bits_per_byte_by_seed);
  summary.tokens_per_second = statistic_of(rates);
  summary.seconds = statistic_of(seconds);
  if (results.empty()) return summary;
  for (const auto& [language, bits] : results.front()->bits_per_byte)
    summary.bits_per_byte_by_language.emplace_back(language, statistic_of(by_language[language]));
  const auto steps = steps_of(record, summary);
  sum_up_routing(summary, steps);
  sum_up_curve(summary, steps);
  sum_up_levels(summary, steps);
  return summary;
}

}  // namespace

Statistic statistic_of(const std::vector<double>& values) {
  if (values.empty()) return {nothing, nothing, 0};
  const auto count = static_cast<double>(values.size());
  const double mean = std::accumulate(values.begin(), values.end(), 0.0) / count;
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return {mean, values.size() < 2 ? nothing : std::sqrt(squares / (count - 1)), values.size()};
}

std::vector<StrategySummary> summaries_of(const Record& record) {
  std::vector<StrategySummary> summaries;
  for (const std::string& name : names_in(record)) summaries.push_back(summary_of(record, name));
  return summaries;
}

std::vector<StrategySummary> ranked(std::vector<StrategySummary> strategies) {
  std::erase_if(strategies, [](const StrategySummary& s) { return !s.has_figures(); });
  std::stable_sort(strategies.begin(), strategies.end(), [](const StrategySummary& a, const StrategySummary& b) {
    return a.bits_per_byte.mean < b.bits_per_byte.mean;
  });
  return strategies;
}

std::optional<double> held_out_at(const StrategySummary& strategy, double seconds) {
  const auto& curve = strategy.curve;
  const auto after =
      std::find_if(curve.begin(), curve.end(), [&](const CurvePoint& point) { return point.seconds >= seconds; });
  if (after == curve.end()) return std::nullopt;
  if (after->seconds == seconds) return after->held_out.mean;
  if (after == curve.begin()) return std::nullopt;
  const CurvePoint &from = after[-1], &to = *after;
  return std::lerp(from.held_out.mean, to.held_out.mean, (seconds - from.seconds) / (to.seconds - from.seconds));
}

std::pair<int, int> seeds_won(const StrategySummary& a, const StrategySummary& b) {
  int won = 0, both = 0;
  for (std::size_t i = 0; i < a.seeds.size(); ++i)
    for (std::size_t j = 0; j < b.seeds.size(); ++j)
      if (a.seeds[i] == b.seeds[j]) {
        ++both;
        won += a.bits_per_byte_by_seed[i] < b.bits_per_byte_by_seed[j];
      }
  return {won, both};
}

std::vector<std::string> worth_their_cost(const std::vector<StrategySummary>& strategies) {
  std::vector<StrategySummary> by_rate = ranked(strategies);
  std::stable_sort(by_rate.begin(), by_rate.end(), [](const StrategySummary& a, const StrategySummary& b) {
    return a.tokens_per_second.mean > b.tokens_per_second.mean;
  });
  std::vector<std::string> names;
  double best = std::numeric_limits<double>::infinity();
  for (const StrategySummary& strategy : by_rate)
    if (strategy.bits_per_byte.mean < best) {
      best = strategy.bits_per_byte.mean;
      names.push_back(strategy.name);
    }
  return names;
}

}  // namespace moe_bench
