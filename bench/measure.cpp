#include "bench/measure.hpp"

#include <cmath>
#include <cstddef>
#include <map>
#include <stdexcept>
#include <utility>

namespace moe_bench {

namespace {

constexpr const char* parts_suffix = " by parts";

struct Sample {
  double seconds = 0;
  benchmark::UserCounters counters;
};

/// Collects the reported runs instead of printing them.
class Collector : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(const Context&) override { return true; }
  void ReportRuns(const std::vector<Run>& runs) override {
    for (const Run& run : runs) {
      if (run.error_occurred) throw std::runtime_error(run.run_name.function_name + ": " + run.error_message);
      const double seconds = run.real_accumulated_time / static_cast<double>(run.iterations);
      samples_[run.run_name.function_name].push_back({seconds, run.counters});
    }
  }
  void forget() { samples_.clear(); }
  std::vector<Sample> of(const std::string& name) const {
    const auto found = samples_.find(name);
    return found == samples_.end() ? std::vector<Sample>() : found->second;
  }

 private:
  std::map<std::string, std::vector<Sample>> samples_;
};

void register_run(const std::string& name, const moe_bench::Run& run, const Entry& entry, double seconds) {
  auto* registered = benchmark::RegisterBenchmark(name.c_str(), run);
  registered->UseRealTime();
  if (entry.iterations > 0)
    registered->Iterations(entry.iterations);
  else
    registered->MinTime(seconds);
}

std::optional<double> rate(const std::vector<Sample>& samples, const char* counter, double seconds) {
  const auto found = samples.front().counters.find(counter);
  if (found == samples.front().counters.end() || seconds <= 0) return std::nullopt;
  return found->second.value / seconds;
}

Result summed_up(const Entry& entry, const Collector& collector) {
  Result result;
  result.entry = entry;
  const std::vector<Sample> samples = collector.of(entry.name()), parts = collector.of(entry.name() + parts_suffix);
  if (samples.empty()) throw std::runtime_error(entry.name() + " was never measured");

  std::vector<double> seconds;
  for (const Sample& sample : samples) seconds.push_back(sample.seconds);
  result.seconds = spread_of(seconds);
  result.repetitions = static_cast<int>(samples.size());
  result.flops_per_second = rate(samples, "flops", result.seconds.median);
  result.bytes_per_second = rate(samples, "bytes", result.seconds.median);

  result.rest_seconds = result.seconds.median;
  for (std::size_t i = 0; i < part_names.size(); ++i) {
    std::vector<double> values;
    for (const Sample& part : parts)
      if (const auto found = part.counters.find(std::string(part_names[i])); found != part.counters.end())
        values.push_back(found->second.value);
    if (values.empty()) continue;
    const Spread spread = spread_of(values);
    result.parts.push_back({static_cast<Part>(i), spread, spread.median / result.seconds.median});
    result.rest_seconds -= spread.median;
  }
  return result;
}

/// Fills `of_dense` if the yardstick was measured too.
void compare_with_dense(std::vector<Result>& results) {
  std::map<std::string, double> rates;
  for (const Result& r : results)
    if (r.flops_per_second) rates[r.entry.name()] = *r.flops_per_second;
  for (Result& r : results) {
    Entry dense = r.entry;
    dense.subject = r.entry.yardstick;
    const auto found = rates.find(dense.name());
    if (r.flops_per_second && found != rates.end()) r.of_dense = *r.flops_per_second / found->second;
  }
}

}  // namespace

std::vector<Result> measure(const Suite& suite, const Timing& timing, const std::function<void(int)>& progress) {
  benchmark::ClearRegisteredBenchmarks();
  for (const Entry& entry : suite) {
    register_run(entry.name(), entry.whole, entry, timing.repetition_seconds);
    if (entry.parts) register_run(entry.name() + parts_suffix, entry.parts, entry, timing.repetition_seconds);
  }
  Collector collector;
  for (int round = 0; round <= timing.repetitions; ++round) {
    progress(round);
    benchmark::RunSpecifiedBenchmarks(&collector, ".");
    if (round == 0) collector.forget();
  }
  benchmark::ClearRegisteredBenchmarks();

  std::vector<Result> results;
  for (const Entry& entry : suite) results.push_back(summed_up(entry, collector));
  compare_with_dense(results);
  return results;
}

}  // namespace moe_bench
