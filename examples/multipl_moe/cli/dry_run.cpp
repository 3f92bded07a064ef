#include "multipl_moe/cli/dry_run.hpp"
#include "multipl_moe/cli/training_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <vector>

#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/train/memory_plan.hpp"

namespace multipl_moe {

namespace {

/// GPU memory of a CUDA context and of the workspaces of its libraries, in bytes.
constexpr std::int64_t gpu_reserve = 3 * (std::int64_t{1} << 29);

MicroBatch micro_batch(const TrainingFlags& flags) {
  return {flags.batch_size, flags.sequence_length,
          flags.recompute ? ActivationCheckpointing::on : ActivationCheckpointing::off};
}

struct Estimate {
  TrainingCounts counts;
  MemoryPlan host;
  std::int64_t memory_free = 0;  ///< 0: unknown
  std::int64_t checkpoint = 0;   ///< bytes of one checkpoint
  std::int64_t checkpoints = 0;  ///< most bytes of checkpoints on the disk at a time
  std::int64_t tokens = 0;       ///< of the whole run
};

Estimate estimate_of(const PlannedRun& run, const TrainingFlags& flags) {
  Estimate e;
  e.counts = training_counts(run.config, run.trains);
  e.host = host_plan(run.config, e.counts, micro_batch(flags), flags.precision(), flags.model_dtype());
  e.memory_free = free_memory_bytes().value_or(0);
  e.checkpoint = checkpoint_bytes(e.counts, flags.precision(), flags.model_dtype());
  // A new checkpoint is complete before an old one is removed.
  const std::int64_t saves = flags.save_steps > 0 ? (flags.steps + flags.save_steps - 1) / flags.save_steps : 1;
  e.checkpoints = std::min(saves, flags.keep_checkpoints + 1) * e.checkpoint;
  e.tokens = flags.steps * flags.accumulation * flags.batch_size * flags.sequence_length;
  return e;
}

struct GpuRow {
  GpuPrecision precision;
  std::int64_t bytes = 0;
  bool fits = false;
  bool is_requested = false;
};

std::vector<GpuRow> gpu_rows(const PlannedRun& run, const TrainingFlags& flags, const TrainingCounts& counts) {
  std::vector<GpuRow> rows;
  for (const GpuPrecision& precision : all_gpu_precisions()) {
    const std::int64_t bytes = gpu_plan(run.config, counts, micro_batch(flags), precision).total() + gpu_reserve;
    rows.push_back({precision, bytes, bytes <= static_cast<std::int64_t>(flags.dry.gpu_memory),
                    precision.adamw == flags.precision()});
  }
  // The best first: plans that fit, in the order of all_gpu_precisions(), then the others, the smallest first.
  std::stable_sort(rows.begin(), rows.end(), [](const GpuRow& a, const GpuRow& b) {
    return a.fits != b.fits ? a.fits : !a.fits && a.bytes < b.bytes;
  });
  return rows;
}

std::int64_t tokens_of(const PlannedRun& run, Language language, std::int64_t tokens) {
  return static_cast<std::int64_t>(run.stream.share(language) * static_cast<double>(tokens));
}

void print_text(const PlannedRun& run, const TrainingFlags& flags, const Estimate& e) {
  fmt::print("architecture   {}\n", run.config.architecture());
  fmt::print("values stored  {:>16}\n  trainable    {:>16}\n", e.counts.weights, e.counts.trainable);
  fmt::print("\nmemory of this training on the CPU\n");
  const auto row = [](const char* name, std::int64_t bytes) { fmt::print("  {:<12} {:>16}\n", name, gib(bytes)); };
  row("weights", e.host.weights);
  row("gradients", e.host.gradients);
  row("moments", e.host.moments);
  row("activations", e.host.activations);
  row("total", e.host.total());
  if (e.memory_free > 0) row("free", e.memory_free);
  const GpuRow best = gpu_rows(run, flags, e.counts).front();
  fmt::print(
      "\nmemory on one GPU with {}, weights and activations in bfloat16 (an estimate: this command trains on the CPU; "
      "the best of the plans that --json lists)\n  {:>12}  {}: {}\n",
      gib(static_cast<std::int64_t>(flags.dry.gpu_memory)), gib(best.bytes), best.fits ? "fits" : "too large",
      best.precision.name());
  fmt::print("\ndisk\n");
  row("checkpoint", e.checkpoint);
  row("most at once", e.checkpoints);
  if (const auto free = free_disk_bytes(flags.output)) row("free", static_cast<std::int64_t>(*free));
  fmt::print("\nsteps          {:>16}   each with {} of {} x {} tokens\ntokens         {:>16}\n", flags.steps,
             flags.accumulation == 1 ? "one micro-batch" : fmt::format("{} micro-batches", flags.accumulation),
             flags.batch_size, flags.sequence_length, e.tokens);
  for (const Language language : all_languages)
    if (const TokenFile* file = run.stream.file(language)) {
      const std::int64_t tokens = tokens_of(run, language, e.tokens);
      fmt::print("  {:<12} {:>16}   {:.2f} epochs of the file's {} tokens\n", name_of(language), tokens,
                 static_cast<double>(tokens) / static_cast<double>(file->token_count()), file->token_count());
    }
}

void print_json(const PlannedRun& run, const TrainingFlags& flags, const Estimate& e) {
  nlohmann::ordered_json out;
  out["architecture"] = run.config.architecture();
  out["parameters"] = {{"total", e.counts.weights}, {"trainable", e.counts.trainable}};
  out["host_bytes"] = {{"weights", e.host.weights}, {"gradients", e.host.gradients},
                       {"moments", e.host.moments}, {"activations", e.host.activations},
                       {"total", e.host.total()},   {"free", e.memory_free}};
  out["gpu"] = nlohmann::ordered_json::array();
  for (const GpuRow& plan : gpu_rows(run, flags, e.counts))
    out["gpu"].push_back({{"precision", plan.precision.name()},
                          {"bytes", plan.bytes},
                          {"fits", plan.fits},
                          {"asked_for", plan.is_requested}});
  out["disk_bytes"] = {{"checkpoint", e.checkpoint}, {"at_once", e.checkpoints}};
  out["steps"] = flags.steps;
  out["tokens"] = e.tokens;
  for (const Language language : all_languages)
    if (run.stream.file(language) != nullptr)
      out["tokens_by_language"][name_of(language)] = tokens_of(run, language, e.tokens);
  fmt::print("{}\n", out.dump(2));
}

void require_room(const Estimate& e, const TrainingFlags& flags) {
  const AdamWPrecision precision = flags.precision();
  const bool is_least = precision.moments == AdamWPrecision::Moments::bfloat16 &&
                        precision.master == moe::MasterWeights::bfloat16 && flags.model_dtype() == ModelDtype::bfloat16;
  require_free_memory("train",
                      std::array{MemoryPart{"weights", e.host.weights, is_least},
                                 MemoryPart{"gradients and moments", e.host.gradients + e.host.moments, is_least},
                                 MemoryPart{"activations", e.host.activations}},
                      is_least
                          ? "a smaller --batch-size or --gradient-checkpointing needs less"
                          : "a smaller --batch-size, --gradient-checkpointing or --moments bfloat16 needs less, and "
                            "--dtype bfloat16 --master-weights bfloat16 still less");
  // A resumed run already has its checkpoints on the disk.
  if (!flags.resume) require_free_disk(flags.output, static_cast<std::uint64_t>(e.checkpoints));
}

}  // namespace

void add_dry_run_options(CLI::App& command, DryRunFlags& flags) {
  auto* dry = command
                  .add_flag("--dry-run", flags.on,
                            "print the parameters, memory, disk space, steps and tokens by language that the run "
                            "takes, and exit without training; a run that cannot fit is an error")
                  ->configurable(false);
  command.add_option("--gpu-memory", flags.gpu_memory, "memory of the GPU that --dry-run plans for, such as 139GiB")
      ->capture_default_str()
      ->transform(CLI::AsSizeValue(true))
      ->check(above_zero())
      ->needs(dry)
      ->configurable(false);
  command.add_flag("--json", flags.json, "print the plan of --dry-run as JSON; sizes are in bytes")
      ->needs(dry)
      ->configurable(false);
}

bool is_only_planned(const PlannedRun& run, const TrainingFlags& flags) {
  const Estimate estimate = estimate_of(run, flags);
  if (flags.dry.on) flags.dry.json ? print_json(run, flags, estimate) : print_text(run, flags, estimate);
  require_room(estimate, flags);
  return flags.dry.on;
}

}  // namespace multipl_moe
