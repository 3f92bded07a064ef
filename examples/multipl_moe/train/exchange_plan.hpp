/// What the processes of a training run send each other, and how long that takes, computed before anything is
/// allocated. Calls and bytes are those of the counters of moe::Ranks, to the byte.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "moe/comm/ranks.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/adamw_precision.hpp"
#include "multipl_moe/model/model_dtype.hpp"
#include "multipl_moe/train/memory_plan.hpp"

namespace multipl_moe {

/// All exchanges of one place of the program, in one step or in another part of a run.
struct PlannedExchange {
  enum class Way {
    to_owner,  ///< bytes[p] go to process p from each of the others
    to_all,    ///< bytes[p] go from process p to each of the others
    to_first,  ///< bytes[p] go from process p to process 0
  };

  std::string site;  ///< as Ranks::traffic() names it
  Way way = Way::to_all;
  std::vector<std::int64_t> bytes;  ///< by process
  std::int64_t calls = 0;           ///< that move these bytes
  std::int64_t announcements = 0;
  std::int64_t announced_bytes = 0;  ///< of the announcements of a process, to each of the others

  /// What the counters of `process` show of it, without seconds.
  moe::Traffic traffic_of(int process) const;
};

/// Where the processes are and how fast their links are, in bytes a second of each process and in each direction.
struct Links {
  int per_machine = 1;  ///< processes of a machine; those of the last one may be fewer
  double within = 0;    ///< to processes of the same machine
  double between = 0;   ///< to those of others
};

/// Bytes that a process sends by the place of the receiver, announcements included.
struct SentBytes {
  std::int64_t within = 0, between = 0;

  std::int64_t all() const { return within + between; }
};
/// Of the process that sends most.
SentBytes most_sent(const PlannedExchange& exchange, int per_machine);
/// The time in which the slowest process has sent and received everything: each process sends to each of the others
/// over its own links, in both directions at full rate, within its machine and to other machines at the same time.
double seconds_of(const PlannedExchange& exchange, const Links& links);
double seconds_of(const std::vector<PlannedExchange>& exchanges, const Links& links);

/// Ranks::barrier.
PlannedExchange barrier_of(std::string site, int processes);
/// Ranks::gather of a record of `bytes` bytes of each process.
PlannedExchange gather_of(std::string site, int processes, std::int64_t bytes);

/// What the exchanges of a run depend on, beside its model.
struct SharedRun {
  int processes = 1;
  std::int64_t micro_batches = 1;  ///< of a step, of all processes
  std::int64_t slots = 1;          ///< of all processes
  AdamWPrecision precision{};
  ModelDtype dtype = ModelDtype::float32;
  std::int64_t held_out_languages = 0;  ///< that evaluations score
};

/// The exchanges of a run in several processes; none for one process.
struct ExchangePlan {
  std::vector<PlannedExchange> start;       ///< before the first step
  std::vector<PlannedExchange> resume;      ///< beside these, of a run that is resumed
  std::vector<PlannedExchange> step;        ///< of a step whose loads of experts are reported
  std::vector<PlannedExchange> evaluation;  ///< after a step whose weights are evaluated on held-out text
  std::vector<PlannedExchange> save;        ///< of a checkpoint
  ProcessPart part;                         ///< what the process with the most optimizer state has in memory
};

/// `trains` selects the weights that train by name. Recorded choices that are replayed (--replay-routing) make the
/// update of buffers smaller by 4 bytes for each expert that has a threshold.
ExchangePlan exchange_plan(const ModelConfig& config, const std::function<bool(std::string_view)>& trains,
                           const SharedRun& run);

}  // namespace multipl_moe
