#include "multipl_moe/cli/device_dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "multipl_moe/cli/device_option.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

/// The rate of training that the layers are written for, on one H200: 47 % of the peak of its dense bfloat16 products.
constexpr double target_rate = 465e12;

/// Plans that the text shows.
constexpr std::size_t shown_plans = 4;

bool is_elsewhere(const Gpu& gpu) { return gpu.name.empty(); }

/// Free memory of the machine with the GPU; unknown for one elsewhere.
std::optional<std::int64_t> host_bytes(const DeviceRun& run) {
  return is_elsewhere(run.gpu) || run.ranks > 0 ? std::nullopt : free_memory_bytes();
}

std::vector<DeviceRow> rows_of(const DeviceRun& run) {
  return device_rows(run.config, run.counts, run.batch, usable_bytes(run.gpu), host_bytes(run));
}

/// The flags of `form` in place of those that the run has.
std::string flags_for(const DeviceRun& run, const DeviceForm& form) {
  std::string flags = form.flags();
  if (run.form.state == StatePlace::host && form.state == StatePlace::device)
    flags += flags.empty() ? "--optimizer-state device" : " --optimizer-state device";
  return flags;
}

DevicePlan plan_of(const DeviceRun& run) { return device_plan(run.config, run.counts, run.batch, run.form); }

double operations_of(const DeviceRun& run) {
  return training_operations(run.config, run.trains, run.batch.length, run.form.checkpointing);
}
double seconds_of(const DeviceRun& run) { return seconds_on_one_gpu(run) / std::max(run.ranks, 1); }

std::string text_of(const DeviceRow& row, const Gpu& gpu) {
  const std::string flags = row.form.flags();
  const char* const verdict = row.fits                                   ? "fits"
                              : row.plan.on_device() > usable_bytes(gpu) ? "GPU too small"
                                                                         : "host too small";
  return fmt::format("  {:<14} {:>10}  {}{}{}\n", verdict, gib(row.plan.on_device()), row.form.name(),
                     row.plan.pinned > 0 ? fmt::format(", {} of it", gib(row.plan.pinned)) : "",
                     flags.empty() ? " (the default)" : fmt::format(" ({})", flags));
}

}  // namespace

double seconds_on_one_gpu(const DeviceRun& run) {
  return static_cast<double>(run.tokens) * operations_of(run) / target_rate;
}

void print_bytes(const char* name, std::int64_t bytes, const std::string& remark) {
  fmt::print("  {:<12} {:>16}{}{}\n", name, gib(bytes), remark.empty() ? "" : "   ", remark);
}

void print_copy(std::int64_t bytes) { print_bytes("copy", bytes, "of a checkpoint, for --async-checkpoint"); }

void print_parts(const MemoryPlan& plan) {
  print_bytes("weights", plan.weights);
  print_bytes("gradients", plan.gradients);
  print_bytes("moments", plan.moments);
  print_bytes("activations", plan.activations);
  if (plan.exchange > 0) print_bytes("exchange", plan.exchange, "of values on their way to other processes");
}

void print_device_plan(const DeviceRun& run) {
  const DevicePlan plan = plan_of(run);
  fmt::print("\nmemory of {} on {}, {} (arithmetic, not measured)\n", run.ranks > 1 ? "each process" : "this training",
             is_elsewhere(run.gpu) ? "a GPU" : fmt::format("cuda:{} {}", run.gpu.index, escaped(run.gpu.name)),
             run.form.name());
  print_parts(plan.device);
  print_bytes("libraries", plan.reserve);
  print_bytes("total", plan.on_device());
  print_bytes("free", usable_bytes(run.gpu));
  if (plan.pinned + run.copy > 0) {
    fmt::print("\npinned memory of the machine{}\n", run.ranks > 1 ? ", for each process" : "");
    print_bytes("moments", plan.pinned);
    if (run.copy > 0) print_copy(run.copy);
    if (const auto free = host_bytes(run)) print_bytes("free", *free);
  }
  fmt::print("\nplans, the best first; --json prints all\n");
  std::vector<DeviceRow> rows = rows_of(run);
  rows.resize(std::min(rows.size(), shown_plans));
  for (const DeviceRow& row : rows) fmt::print("{}", text_of(row, run.gpu));
  fmt::print(
      "\ntime           {:>16}   at {:.0f} TFLOP/s, the target for an H200, and {:.2f} GFLOP a token (arithmetic, not "
      "measured){}\n",
      short_duration(seconds_of(run)), target_rate / 1e12, operations_of(run) / 1e9,
      run.ranks > 1 ? fmt::format(", on each of {} GPUs, without exchanges", run.ranks) : "");
}

void add_device_plan(nlohmann::ordered_json& out, const DeviceRun& run) {
  const DevicePlan plan = plan_of(run);
  out["device"] = {
      {"name", fmt::format("cuda:{}", run.gpu.index)},
      {"gpu", is_elsewhere(run.gpu) ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(escaped(run.gpu.name))},
      {"free_bytes", usable_bytes(run.gpu)}};
  out["device_bytes"] = {{"weights", plan.device.weights},   {"gradients", plan.device.gradients},
                         {"moments", plan.device.moments},   {"activations", plan.device.activations},
                         {"exchange", plan.device.exchange}, {"libraries", plan.reserve},
                         {"total", plan.on_device()}};
  out["host_bytes"] = {{"moments", plan.pinned}, {"checkpoint_copy", run.copy}};
  out["plans"] = nlohmann::ordered_json::array();
  for (const DeviceRow& row : rows_of(run))
    out["plans"].push_back({{"name", row.form.name()},
                            {"flags", row.form.flags()},
                            {"device_bytes", row.plan.on_device()},
                            {"host_bytes", row.plan.pinned},
                            {"fits", row.fits},
                            {"asked_for", row.form == run.form}});
  out["arithmetic"] = {{"operations_per_token", operations_of(run)},
                       {"operations_per_second", target_rate},
                       {"seconds", seconds_of(run)}};
}

std::int64_t bytes_on_host(const DeviceRun& run) { return plan_of(run).pinned; }

void require_device_memory(const DeviceRun& run) {
  const DevicePlan plan = plan_of(run);
  const std::vector<DeviceRow> rows = rows_of(run);
  // With the smallest micro-batch too.
  const bool nothing_fits = std::none_of(rows.begin(), rows.end(), [&run](const DeviceRow& row) {
    return row.plan.on_device() - row.plan.device.activations <= usable_bytes(run.gpu) &&
           row.plan.pinned <= host_bytes(run).value_or(row.plan.pinned);
  });
  const std::string advice = rows.front().fits ? flags_for(run, rows.front().form) + " fits"
                                               : "a smaller --batch-size or --sequence-length needs less";
  require_gpu_memory(run.command, run.gpu,
                     std::array{MemoryPart{"weights", plan.device.weights, nothing_fits},
                                MemoryPart{"gradients", plan.device.gradients, nothing_fits},
                                MemoryPart{"moments", plan.device.moments, nothing_fits},
                                MemoryPart{"activations", plan.device.activations}},
                     advice);
  if (const auto free = host_bytes(run))
    require_memory_of("pinned memory of the host", *free, run.command,
                      std::array{MemoryPart{"the optimizer's state", plan.pinned, nothing_fits}}, advice, run.here);
}

}  // namespace multipl_moe
