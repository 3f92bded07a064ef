#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/require.hpp"
#include "moe/core/routing_record.hpp"

namespace moe {

/// Records the choices of layers, one record for each sequence of a batch, in training, inference and decoding alike:
///
///   RoutingRecorder recorder(batch.count());
///   context.observer = recorder.observer();
///   recorder.expect(batch);      layer.prefill(context, x_TD, batch, state);
///   recorder.expect_next();      layer.decode(context, x_BD, tokens_B, state);
///
/// If sequences are added and removed, expect(batch, numbers) announces which of them the pass reads.
///
/// A pass that is repeated before the next call of expect(), after an error or for activation checkpointing, is
/// recorded once.
class RoutingRecorder {
 public:
  /// Throws Error if `sequences` is negative.
  explicit RoutingRecorder(Index sequences) {
    require(sequences >= 0, "RoutingRecorder", "the number of sequences must not be negative, got ", sequences);
    records_.resize(static_cast<std::size_t>(sequences));
    read_.assign(records_.size(), 0);
  }

  /// Announces that the next pass reads these rows, after those read before. Throws Error if the number of sequences
  /// differs from sequences().
  void expect(const Batch& batch) {
    require(batch.count() == sequences(), "RoutingRecorder", "the batch has ", counted(batch.count(), "sequences"),
            ", the recorder ", sequences());
    std::vector<Index> all;
    for (Index s = 0; s < sequences(); ++s) all.push_back(s);
    expect(batch, all);
  }
  /// The same for some sequences, given by their numbers in the order of the batch. Throws Error if the number of
  /// sequences in the batch differs from that of `numbers`, or if a number does not exist or occurs twice.
  void expect(const Batch& batch, ListView<Index> numbers) {
    require(batch.count() == numbers.size, "RoutingRecorder", "the batch has ", counted(batch.count(), "sequences"),
            ", got ", counted(numbers.size, "sequence numbers"));
    std::vector<Index> members(numbers.begin(), numbers.end()), sorted = members;
    std::sort(sorted.begin(), sorted.end());
    require(sorted.empty() || (sorted.front() >= 0 && sorted.back() < sequences()), "RoutingRecorder",
            "sequence numbers must lie in [0, ", sequences(), "), got ", sorted.empty() ? 0 : sorted.front(), " to ",
            sorted.empty() ? 0 : sorted.back());
    require(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(), "RoutingRecorder",
            "a pass must read each sequence once, got a sequence number twice");
    for (std::size_t b = 0; b < members_.size(); ++b)
      read_[static_cast<std::size_t>(members_[b])] += offsets_[b + 1] - offsets_[b];
    members_ = std::move(members);
    offsets_ = batch.offsets;
  }
  /// Announces that the next pass reads one more row of each sequence.
  void expect_next() { expect(Batch::sequences(sequences(), 1)); }

  /// Number of recorded sequences.
  Index sequences() const { return static_cast<Index>(records_.size()); }
  /// The records, one for each sequence. Their `tokens` is set by the caller.
  const std::vector<RoutingRecord>& records() const { return records_; }
  /// The same, mutable.
  std::vector<RoutingRecord>& records() { return records_; }

  /// The observer for a context. The recorder must outlive its use.
  Observer observer() {
    return [this](const Observation& seen) { record(seen); };
  }
  /// Records the decision of one level. Throws Error if the rows are not the announced ones, if earlier rows of the
  /// level were not recorded, and as RecordedLevel does.
  void record(const Observation& seen) {
    require(seen.begin.size() == static_cast<std::size_t>(seen.rows) + 1 && seen.begin.back() == offsets_.back(),
            "RoutingRecorder", "expect announced ", counted(offsets_.back(), "rows"), ", a layer routed ",
            seen.begin.empty() ? 0 : seen.begin.back(), ": call expect before each pass");
    std::vector<std::uint16_t> choices;
    Index r = 0;
    for (std::size_t b = 0; b < members_.size(); ++b) {
      const auto sequence = static_cast<std::size_t>(members_[b]);
      RecordedLevel& level = level_of(records_[sequence], seen);
      require(level.rows() >= read_[sequence], "RoutingRecorder", level.name(), " was recorded for ", level.rows(),
              " of ", counted(read_[sequence], "rows"), " of sequence ", sequence);
      level.truncate(read_[sequence]);
      for (; r < seen.rows && seen.begin[static_cast<std::size_t>(r)] < offsets_[b + 1]; ++r) {
        choices_of(seen, r, choices);
        level.append(seen.begin[static_cast<std::size_t>(r) + 1] - seen.begin[static_cast<std::size_t>(r)], choices);
      }
    }
  }

 private:
  static RecordedLevel& level_of(RoutingRecord& record, const Observation& seen) {
    for (RecordedLevel& level : record.levels)
      if (level.layer() == seen.layer && level.level() == seen.level) {
        require(level.experts() == seen.experts, "RoutingRecorder", level.name(), " had ",
                counted(level.experts(), "experts"), ", now it has ", seen.experts);
        return level;
      }
    return record.levels.emplace_back(seen.layer, seen.level, seen.experts);
  }
  static void choices_of(const Observation& seen, Index r, std::vector<std::uint16_t>& choices) {
    const auto row = static_cast<std::size_t>(r * seen.experts);
    std::vector<std::pair<ChoiceOrder, Index>> ordered;
    for (Index e = 0; e < seen.experts; ++e)
      if (const ChoiceOrder rank = seen.chosen[row + static_cast<std::size_t>(e)]; rank != 0)
        ordered.emplace_back(rank, e);
    std::sort(ordered.begin(), ordered.end());
    choices.clear();
    for (const auto& [rank, e] : ordered) {
      const bool kept = seen.kept[row + static_cast<std::size_t>(e)] != 0;
      choices.push_back(static_cast<std::uint16_t>(e | (kept ? 0 : RecordedChoice::dropped)));
    }
  }

  std::vector<RoutingRecord> records_;
  /// Number of rows that each sequence had read before the announced pass.
  std::vector<Index> read_;
  /// The sequences that the announced pass reads, and the offsets of their rows.
  std::vector<Index> members_, offsets_{0};
};

}  // namespace moe
