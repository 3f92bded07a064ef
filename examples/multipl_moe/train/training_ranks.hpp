/// What the ranks of a training run tell each other. A run without ranks is one rank.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "multipl_moe/eval/routing_tally.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/run_ranks.hpp"
#include "multipl_moe/train/progress.hpp"
#include "multipl_moe/train/run_settings.hpp"

namespace multipl_moe {

/// The part of a step that one rank computes, as numbers of micro-batches of the step, in slots of equal size.
struct StepPart {
  std::int64_t first = 0, slots = 1, per_slot = 1;
};

/// What all ranks know of a step after it was computed.
struct StepRecord {
  std::vector<MicroBatchLoss> losses;  ///< of the step's micro-batches, in their order
  int signal = 0;                      ///< that a rank has received; 0: none
};

/// Throws UsageError if `ranks` cannot share a step's micro-batches evenly.
void require_dealt(std::int64_t micro_batches, int ranks);
/// The number of slots of all ranks together: `asked_for`, or for 0 that of the run that is resumed (`begun_with`, 0:
/// none) if it can be dealt, or one a rank; with spread experts always that. Throws UsageError if slots or
/// micro-batches cannot be dealt evenly, and for other slots of spread experts.
std::int64_t dealt_slots(std::int64_t asked_for, std::int64_t begun_with, std::int64_t micro_batches, int ranks,
                         ExpertPlacement placement);

class TrainingRanks {
 public:
  /// Of a run with this number of micro-batches per step on all ranks together; null: one rank. Throws UsageError if
  /// the micro-batches cannot be dealt evenly.
  TrainingRanks(std::shared_ptr<const RunRanks> ranks, std::int64_t micro_batches);

  int rank() const { return ranks_ ? ranks_->rank() : 0; }
  int size() const { return ranks_ ? ranks_->size() : 1; }
  /// Whether this is the rank that writes files and progress.
  bool is_first() const { return rank() == 0; }
  /// The ranks, of which there are several; null for one.
  const RunRanks* several() const { return size() > 1 ? ranks_.get() : nullptr; }

  /// The function of this name, which also compares the values of the model's weights.
  void require_same(RunSettings settings, LanguageModel& model) const;

  /// dealt_slots(). Prints a notice if it differs from that of the run.
  std::int64_t slots(std::int64_t asked_for, std::int64_t begun_with, ExpertPlacement placement) const;
  StepPart part(std::int64_t slots) const;
  /// Prints a notice if a run with a global balance was begun with another number of ranks (empty: a new run).
  void tell_of_balanced(std::optional<std::int64_t> begun_with) const;

  /// The same on every rank: the losses of all, and the sums of the tallies of the ranks.
  StepRecord exchange(const StepRecord& mine, RoutingTally& tally) const;
  /// The same number on every rank: rank 0's.
  std::int64_t of_first(std::int64_t number) const;
  /// The losses of all ranks: each has scored some languages.
  HeldOutLosses joined(const HeldOutLosses& mine) const;

 private:
  std::shared_ptr<const RunRanks> ranks_;
  std::int64_t micro_batches_;
};

}  // namespace multipl_moe
