#include "multipl_moe/train/metrics.hpp"

#include <fmt/format.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/notice.hpp"

namespace multipl_moe {

namespace {

/// JSON has no infinities: what is not finite becomes null.
nlohmann::ordered_json number(double value) {
  if (std::isfinite(value)) return value;
  return nullptr;
}

/// Four significant digits, which keeps the lines short: there are several such numbers per layer and step.
nlohmann::ordered_json short_number(double value) { return number(std::stod(fmt::format("{:.4g}", value))); }

/// Adds the load of one level, one number per layer.
void add_load(nlohmann::ordered_json& line, const char* level, const std::vector<LayerLoad>& layers) {
  const auto add = [&](const char* name, double LayerLoad::*member) {
    for (const LayerLoad& layer : layers) line["load"][level][name].push_back(short_number(layer.*member));
  };
  add("max_over_mean", &LayerLoad::max_over_mean);
  add("entropy", &LayerLoad::evenness);
  add("dropped", &LayerLoad::dropped);
}

/// The step of a line; 0 if `text` is not a line of metrics.
std::int64_t step_of_line(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) return 0;
  const auto found = json.find("step");
  return found != json.end() && found->is_number_integer() ? found->get<std::int64_t>() : 0;
}

struct Kept {
  std::int64_t steps = 0;
  std::uint64_t bytes = 0;
};

/// The complete lines at the start of `path` whose steps increase and are at most `limit`.
Kept lines_up_to(const std::filesystem::path& path, std::int64_t limit) {
  std::ifstream file(path, std::ios::binary);
  Kept kept;
  std::int64_t last = 0;
  for (std::string line; last < limit && std::getline(file, line) && !file.eof();) {
    const std::int64_t step = step_of_line(line);
    if (step <= last || step > limit) break;
    last = step;
    ++kept.steps;
    kept.bytes += line.size() + 1;
  }
  return kept;
}

}  // namespace

Metrics::Metrics(const std::filesystem::path& run, std::int64_t steps_done) {
  if (run.empty()) return;
  create_folders(run);
  const auto path = run / "metrics.jsonl";
  const Kept kept = lines_up_to(path, steps_done);
  if (kept.steps < steps_done)
    notice("warning: [{}] must hold the steps 1 to {}, found {} of them; the others stay missing\n", path.native(),
           steps_done, kept.steps);
  if (kept.steps > 0)
    file_ = CheckedFile::continued(path, kept.bytes);
  else
    file_.emplace(path);
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
  for (const auto& [language, loss] : report.held_out) line["held_out"][name_of(language)] = number(loss);
  add_load(line, "token", report.loads.token);
  add_load(line, "segment", report.loads.segment);
  if (skipped) line["skipped"] = true;
  file_->write(line.dump() + "\n");
}

void Metrics::sync() {
  if (file_) file_->sync();
}

void Metrics::close() {
  if (file_) file_->close();
  file_.reset();
}

}  // namespace multipl_moe
