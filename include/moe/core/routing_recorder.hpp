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

/// Records what layers choose, one record for each sequence of a batch, in training, inference and decoding alike:
///
///   RoutingRecorder recorder(batch.count());
///   context.observer = recorder.observer();
///   recorder.expect(batch);      layer.prefill(context, x_TD, batch, state);
///   recorder.expect_next();      layer.decode(context, x_BD, tokens_B, state);
///
/// Where sequences come and go, expect(batch, sequences) says which of them a pass reads.
///
/// A pass that is run again before the next one is announced, as after an error or to compute activations again, is
/// recorded once.
class RoutingRecorder {
 public:
  /// Throws Error for a negative number of sequences.
  explicit RoutingRecorder(Index sequences) {
    require(sequences >= 0, "RoutingRecorder", "the number of sequences must not be negative, got ", sequences);
    records_.resize(static_cast<std::size_t>(sequences));
    read_.assign(records_.size(), 0);
  }

  /// The next pass reads these rows, behind those that were read before. Throws Error for another number of sequences.
  void expect(const Batch& batch) {
    require(batch.count() == sequences(), "RoutingRecorder", "the batch has ", counted(batch.count(), "sequences"),
            ", the recorder ", sequences());
    std::vector<Index> all;
    for (Index s = 0; s < sequences(); ++s) all.push_back(s);
    expect(batch, all);
  }
  /// The same of some sequences, by their numbers in the order of the batch. Throws Error for as many as it has not,
  /// and for numbers that are not there or occur twice.
  void expect(const Batch& batch, ListView<Index> numbers) {
    require(batch.count() == numbers.size, "RoutingRecorder", "the batch has ", counted(batch.count(), "sequences"),
            ", ", numbers.size, " are named");
    std::vector<Index> members(numbers.begin(), numbers.end()), sorted = members;
    std::sort(sorted.begin(), sorted.end());
    require(sorted.empty() || (sorted.front() >= 0 && sorted.back() < sequences()), "RoutingRecorder",
            "sequences must lie in [0, ", sequences(), "), got ", sorted.empty() ? 0 : sorted.front(), " to ",
            sorted.empty() ? 0 : sorted.back());
    require(std::adjacent_find(sorted.begin(), sorted.end()) == sorted.end(), "RoutingRecorder",
            "a pass reads a sequence once, one is named twice");
    for (std::size_t b = 0; b < members_.size(); ++b)
      read_[static_cast<std::size_t>(members_[b])] += offsets_[b + 1] - offsets_[b];
    members_ = std::move(members);
    offsets_ = batch.offsets;
  }
  /// The next pass reads one more row of each sequence.
  void expect_next() { expect(Batch::sequences(sequences(), 1)); }

  /// How many sequences are recorded.
  Index sequences() const { return static_cast<Index>(records_.size()); }
  /// What was recorded, a record for each sequence. `tokens` is the caller's to set.
  const std::vector<RoutingRecord>& records() const { return records_; }
  /// The same, to be changed.
  std::vector<RoutingRecord>& records() { return records_; }

  /// For a context; the recorder must outlive it there.
  Observer observer() {
    return [this](const Observation& seen) { record(seen); };
  }
  /// Takes in what one level decided. Throws Error for other rows than are expected, for a level whose first rows were
  /// not recorded, and for what a RecordedLevel refuses.
  void record(const Observation& seen) {
    require(seen.begin.size() == static_cast<std::size_t>(seen.rows) + 1 && seen.begin.back() == offsets_.back(),
            "RoutingRecorder", "the pass was announced to read ", counted(offsets_.back(), "rows"),
            ", a layer decided on ", seen.begin.empty() ? 0 : seen.begin.back(), ": call expect before each pass");
    std::vector<std::uint16_t> choices;
    Index r = 0;
    for (std::size_t b = 0; b < members_.size(); ++b) {
      const auto sequence = static_cast<std::size_t>(members_[b]);
      RecordedLevel& level = level_of(records_[sequence], seen);
      require(level.rows() >= read_[sequence], "RoutingRecorder", level.name(), " was recorded for ", level.rows(),
              " of ", counted(read_[sequence], "rows"), " that sequence ", sequence, " has read");
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
  /// Rows that each sequence had read before the pass that is expected.
  std::vector<Index> read_;
  /// The sequences that this pass reads, and its rows.
  std::vector<Index> members_, offsets_{0};
};

}  // namespace moe
