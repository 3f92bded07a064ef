#include "multipl_moe/train/metrics.hpp"

#include <cmath>
#include <nlohmann/json.hpp>

namespace multipl_moe {

namespace {

/// JSON has no infinities: what is not finite becomes null.
nlohmann::ordered_json number(double value) {
  if (std::isfinite(value)) return value;
  return nullptr;
}

}  // namespace

Metrics::Metrics(const std::filesystem::path& run) {
  if (run.empty()) return;
  std::filesystem::create_directories(run);
  file_ = std::make_unique<CheckedFile>(run / "metrics.jsonl");
}

void Metrics::add(const StepReport& report, bool skipped) {
  if (!file_) return;
  nlohmann::ordered_json line;
  line["step"] = report.step;
  line["loss"] = number(report.loss);
  line["aux"] = number(report.auxiliary);
  line["learning_rate"] = report.rate;
  line["gradient_norm"] = number(report.gradient_norm);
  line["tokens_per_second"] = report.tokens_per_second;
  if (skipped) line["skipped"] = true;
  file_->write(line.dump() + "\n");
}

}  // namespace multipl_moe
