#include "multipl_moe/cli/dry_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <nlohmann/json.hpp>
#include <vector>

#include "multipl_moe/cli/device_dry_run.hpp"
#include "multipl_moe/cli/ranks_dry_run.hpp"
#include "multipl_moe/io/byte_text.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/free_memory.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/mpi/launch.hpp"
#include "multipl_moe/train/exchange_plan.hpp"
#include "multipl_moe/train/memory_plan.hpp"
#include "multipl_moe/train/training_ranks.hpp"

namespace multipl_moe {

namespace {

MicroBatch micro_batch(const TrainingFlags& flags) {
  return {flags.batch_size, flags.sequence_length,
          flags.recompute ? ActivationCheckpointing::on : ActivationCheckpointing::off};
}

/// Where the processes wait for each other before they allocate.
constexpr const char* memory_site = "memory that is free";

struct Estimate {
  TrainingCounts counts;
  ExchangePlan exchanges;
  MemoryPlan host;
  std::int64_t memory_free = 0;  ///< 0: unknown
  std::int64_t checkpoint = 0;   ///< bytes of one checkpoint
  std::int64_t copy = 0;         ///< bytes of its copy in memory; 0 without --async-checkpoint
  std::int64_t checkpoints = 0;  ///< most bytes of checkpoints on the disk at a time
  std::int64_t tokens = 0;       ///< of the whole run
  std::int64_t saves = 1;        ///< in the whole run
};

/// Processes that share a machine's memory.
int processes_of_machine(const TrainingFlags& flags) {
  if (flags.dry.ranks > 0) return flags.dry.ranks_per_machine > 0 ? flags.dry.ranks_per_machine : flags.dry.ranks;
  return launched_ranks() ? launched_here() : 1;
}

/// The experts of this process, or with --ranks of process 0, which has most.
ExpertPart experts_here(const TrainingFlags& flags) {
  if (flags.dry.ranks > 0) return {flags.expert_placement(), 0, flags.dry.ranks};
  const auto ranks = launched_ranks();
  return ranks ? ExpertPart{flags.expert_placement(), ranks->rank(), ranks->size()} : ExpertPart();
}

ExchangePlan exchanges_of(const PlannedRun& run, const TrainingFlags& flags) {
  const int processes = flags.processes();
  const ExpertPlacement placement = experts_here(flags).placement;
  require_dealt(flags.accumulation, processes);
  DealtRun shared{.processes = processes,
                  .micro_batches = flags.accumulation,
                  .slots = dealt_slots(flags.gradient_slots, 0, flags.accumulation, processes, placement),
                  .precision = flags.precision(),
                  .dtype = flags.model_dtype(),
                  .placement = placement,
                  .tokens = micro_batch(flags).tokens(),
                  .is_recomputed = flags.recompute};
  if (flags.dry.ranks > 0) {
    const LanguageFiles files = flags.held_out(run.tokenizer);
    shared.held_out_languages = std::count_if(files.begin(), files.end(), [](const auto& file) { return !!file; });
  }
  ExchangePlan plan = exchange_plan(run.config, run.trains, shared);
  if (processes > 1)
    plan.start.insert(plan.start.begin(), {announced_exchange(memory_site, processes),
                                           gathered_exchange("placement", processes, sizeof(ExpertPlacement))});
  return plan;
}

Estimate estimate_of(const PlannedRun& run, const TrainingFlags& flags) {
  Estimate e;
  const ExpertPart experts = experts_here(flags);
  e.counts = training_counts(run.config, run.trains, experts);
  e.exchanges = exchanges_of(run, flags);
  e.counts.part = e.exchanges.part;
  e.host = host_plan(run.config, e.counts, micro_batch(flags), flags.precision(), flags.model_dtype());
  e.memory_free = free_memory_bytes().value_or(0);
  e.checkpoint = checkpoint_bytes(training_counts(run.config, run.trains), flags.precision(), flags.model_dtype());
  if (flags.async_checkpoint) e.copy = e.checkpoint;
  // A new checkpoint is complete before an old one is removed.
  if (flags.save_steps > 0) e.saves = (flags.steps + flags.save_steps - 1) / flags.save_steps;
  e.checkpoints = std::min(e.saves, flags.keep_checkpoints + 1) * e.checkpoint;
  e.tokens = flags.steps * flags.accumulation * flags.batch_size * flags.sequence_length;
  return e;
}

DeviceRun device_run(const PlannedRun& run, const TrainingFlags& flags, const Estimate& e) {
  const MicroBatch batch = micro_batch(flags);
  return {run.command,
          run.config,
          run.trains,
          e.counts,
          batch,
          {flags.precision(), batch.checkpointing, flags.state_place()},
          *run.gpu,
          e.tokens,
          e.copy,
          flags.dry.ranks,
          processes_of_machine(flags)};
}

RanksRun ranks_run(const PlannedRun& run, const TrainingFlags& flags, const Estimate& e) {
  RanksRun ranks{.flags = flags.dry,
                 .plan = e.exchanges,
                 .steps = flags.steps,
                 .saves = e.saves,
                 .evaluations = flags.eval_steps > 0 ? flags.steps / flags.eval_steps : 0,
                 .is_resumed = flags.resume,
                 .is_on_gpu = run.gpu.has_value(),
                 .has_global_balance = run.config.has_global_balance(),
                 .are_experts_spread = !experts_here(flags).is_of_all()};
  if (run.gpu) ranks.arithmetic_step = seconds_on_one_gpu(device_run(run, flags, e)) / static_cast<double>(flags.steps);
  return ranks;
}

/// Whether the run is planned for this machine.
bool is_here(const TrainingFlags& flags) { return flags.dry.ranks == 0; }

std::int64_t tokens_of(const PlannedRun& run, Language language, std::int64_t tokens) {
  return static_cast<std::int64_t>(run.stream.share(language) * static_cast<double>(tokens));
}

void print_text(const PlannedRun& run, const TrainingFlags& flags, const Estimate& e) {
  fmt::print("architecture   {}\n", run.config.architecture());
  fmt::print("values stored  {:>16}\n  trainable    {:>16}\n", e.counts.weights, e.counts.trainable);
  if (run.gpu) {
    print_device_plan(device_run(run, flags, e));
  } else {
    const int here = processes_of_machine(flags);
    fmt::print("\nmemory of {} on the CPU\n", flags.processes() > 1 ? "each process" : "this training");
    print_parts(e.host);
    print_bytes("total", e.host.total());
    if (here > 1) print_bytes("machine", here * e.host.total(), fmt::format("of its {}", counted_processes(here)));
    if (e.copy > 0) print_copy(e.copy);
    if (is_here(flags) && e.memory_free > 0) print_bytes("free", e.memory_free);
  }
  if (flags.dry.ranks > 0) print_exchanges(ranks_run(run, flags, e));
  fmt::print("\ndisk\n");
  print_bytes("checkpoint", e.checkpoint);
  print_bytes("most at once", e.checkpoints);
  if (const auto free = is_here(flags) ? free_disk_bytes(flags.output) : std::nullopt)
    print_bytes("free", static_cast<std::int64_t>(*free));
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
  if (run.gpu)
    add_device_plan(out, device_run(run, flags, e));
  else
    out["host_bytes"] = {{"weights", e.host.weights},
                         {"gradients", e.host.gradients},
                         {"moments", e.host.moments},
                         {"activations", e.host.activations},
                         {"exchange", e.host.exchange},
                         {"total", e.host.total()},
                         {"machine", processes_of_machine(flags) * e.host.total()},
                         {"checkpoint_copy", e.copy},
                         {"free", is_here(flags) ? e.memory_free : 0}};
  if (flags.dry.ranks > 0) add_exchanges(out, ranks_run(run, flags, e));
  out["disk_bytes"] = {{"checkpoint", e.checkpoint}, {"at_once", e.checkpoints}};
  out["steps"] = flags.steps;
  out["tokens"] = e.tokens;
  for (const Language language : all_languages)
    if (run.stream.file(language) != nullptr)
      out["tokens_by_language"][name_of(language)] = tokens_of(run, language, e.tokens);
  fmt::print("{}\n", out.dump(2));
}

/// Says what trainer.cpp will say in the run: the copy is given up where memory cannot hold it.
void note_large_copy(const PlannedRun& run, const TrainingFlags& flags, const Estimate& e) {
  const bool is_elsewhere = run.gpu && run.gpu->name.empty();
  const std::int64_t beside = run.gpu ? bytes_on_host(device_run(run, flags, e)) : e.host.total();
  if (is_elsewhere || e.copy == 0 || e.memory_free == 0 || e.copy + beside <= e.memory_free) return;
  notice(
      "note: --async-checkpoint needs {} of memory for a copy of the model and its optimizer state beside {} of the "
      "training, found {} free; the run would save between its steps\n",
      memory_text(e.copy), memory_text(beside), memory_text(e.memory_free));
}

void require_host_memory(const PlannedRun& run, const Estimate& e, const TrainingFlags& flags) {
  const AdamWPrecision precision = flags.precision();
  const bool is_least = precision.moments == AdamWPrecision::Moments::bfloat16 &&
                        precision.master == moe::MasterWeights::bfloat16 && flags.model_dtype() == ModelDtype::bfloat16;
  const int here = processes_of_machine(flags);
  require_free_memory(
      run.command,
      std::array{MemoryPart{"weights", e.host.weights, is_least},
                 MemoryPart{"gradients and moments", e.host.gradients + e.host.moments, is_least},
                 MemoryPart{"activations", e.host.activations}, MemoryPart{"values on their way", e.host.exchange}},
      std::string(here > 1 ? "fewer processes, " : "") +
          (is_least ? "a smaller --batch-size or --gradient-checkpointing needs less"
                    : "a smaller --batch-size, --gradient-checkpointing or --moments bfloat16 needs "
                      "less, and --dtype bfloat16 --master-weights bfloat16 still less"),
      here);
}

void require_room(const PlannedRun& run, const Estimate& e, const TrainingFlags& flags) {
  if (run.gpu)
    require_device_memory(device_run(run, flags, e));
  else if (is_here(flags))
    require_host_memory(run, e, flags);
  // A resumed run already has its checkpoints on the disk.
  if (!flags.resume && is_here(flags)) require_free_disk(flags.output, static_cast<std::uint64_t>(e.checkpoints));
}

}  // namespace

void add_dry_run_options(CLI::App& command, DryRunFlags& flags) {
  auto* dry = command
                  .add_flag("--dry-run", flags.on,
                            "print the parameters, memory, disk space, steps and tokens by language that the run "
                            "takes, and exit without training; a run that cannot fit is an error")
                  ->configurable(false);
  command
      .add_option("--device-memory", flags.device_memory,
                  "memory of a GPU that --dry-run --device cuda plans for, such as 80GB or 139GiB [that of the GPU]")
      ->transform(CLI::AsSizeValue(true))
      ->check(above_zero())
      ->needs(dry)
      ->configurable(false);
  command.add_flag("--json", flags.json, "print the plan of --dry-run as JSON; sizes are in bytes")
      ->needs(dry)
      ->configurable(false);
  add_ranks_options(command, dry, flags);
}

bool is_only_planned(const PlannedRun& run, const TrainingFlags& flags) {
  const Estimate estimate = estimate_of(run, flags);
  if (flags.dry.on) {
    flags.dry.json ? print_json(run, flags, estimate) : print_text(run, flags, estimate);
    note_large_copy(run, flags, estimate);
  }
  require_room(run, estimate, flags);
  if (flags.dry.on) return true;
  // A process that is slower must not take the memory of faster ones for used.
  if (const auto ranks = launched_ranks()) ranks->library()->barrier({memory_site});
  return false;
}

}  // namespace multipl_moe
