#pragma once

#include <algorithm>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "moe/core/counted.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/require.hpp"
#include "moe/core/routing_record.hpp"

namespace moe {

/// The rows that one level routes: those of x, or segments of them.
struct RoutedRows {
  /// "token" or "segment".
  std::string_view level = "token";
  /// RoutingResult row r holds x's rows [begin[r], begin[r+1]); empty: every row is one.
  ListView<Index> begin{};
};

/// What a record says of the rows that a level routes, in host memory.
struct RecordedChoices {
  /// rows x experts, row-major: 0, or the order of choice.
  std::vector<ChoiceOrder> chosen;
  /// The same without what the capacity dropped.
  std::vector<ChoiceOrder> kept;
  /// Of each expert: routed rows that it works on.
  std::vector<Index> load;
  /// Of each expert: routed rows that it could not take.
  std::vector<Index> dropped;
  /// Whether anything was dropped.
  bool has_dropped = false;
};

/// The choices that a pass is given: put a pointer to it into the context, and every layer that runs with it works on
/// the recorded pairs, in training, inference and decoding alike; weights and gradients come from today's logits. It
/// has a record, or some rows of one, for each sequence of the pass, in their order, and nothing but these rows.
class RoutingReplay {
 public:
  RoutingReplay() = default;
  /// All rows of each record.
  explicit RoutingReplay(std::span<const RoutingRecord> records) {
    for (const RoutingRecord& record : records) add(record);
  }

  /// The next sequence: all rows of its record, which must outlive this. Throws Error for a record without a level.
  void add(const RoutingRecord& record) { add(record, 0, record.rows()); }
  /// Its rows [first, last): what a pass reads that begins or ends within the sequence. Throws Error also for rows that
  /// the record does not have.
  void add(const RoutingRecord& record, Index first, Index last) {
    require(!record.levels.empty(), "RoutingReplay", "the record is empty: it has no layer");
    record.require_consistent("RoutingReplay");
    require(first >= 0 && first <= last && last <= record.rows(), "RoutingReplay", "rows must lie in [0, ",
            record.rows(), "] and not descend, got ", first, " to ", last);
    parts_.push_back({&record, first, last});
  }
  /// The next sequence, by its tokens: throws Error also where the record is not of these.
  void add(const RoutingRecord& record, std::span<const std::int32_t> tokens) {
    require(record.rows() == static_cast<Index>(tokens.size()), "RoutingReplay", "the record has ",
            counted(record.rows(), "rows"), ", the sequence ", counted(tokens.size(), "tokens"));
    require(record.tokens == hash_of_tokens(tokens), "RoutingReplay", "the record is of other tokens: their hash is ",
            record.tokens, ", that of the sequence ", hash_of_tokens(tokens));
    add(record);
  }

  /// Throws Error unless a pass over sequences that begin at `offsets` reads the rows that are recorded.
  void require_rows(std::string_view where, ListView<Index> offsets) const {
    const Index sequences = (std::max)(offsets.size - 1, Index{0});
    require(static_cast<Index>(parts_.size()) == sequences, where, "the pass reads ", counted(sequences, "sequences"),
            ", the replayed record has ", parts_.size());
    for (Index b = 0; b < sequences; ++b) {
      const Part& part = parts_[static_cast<std::size_t>(b)];
      const Index rows = offsets.data[b + 1] - offsets.data[b];
      require(part.rows() == rows, where, "sequence ", b, " has ", counted(rows, "rows"), ", the replayed record ",
              part.rows());
    }
  }

  /// What layer number `layer` chose at that level for `rows` routed rows. Throws Error where the record lacks it, is
  /// of another number of experts, or has other rows, and for a routed row whose rows chose otherwise than each other.
  RecordedChoices choices(std::uint32_t layer, const RoutedRows& routed, Index rows, Index experts) const {
    constexpr std::string_view where = "RoutingReplay";
    RecordedChoices result;
    result.chosen.assign(static_cast<std::size_t>(rows * experts), 0);
    result.kept = result.chosen;
    result.load.assign(static_cast<std::size_t>(experts), 0);
    result.dropped = result.load;
    const auto begin_of = [&](Index r) { return routed.begin.size == 0 ? r : routed.begin.data[r]; };
    Index r = 0, before = 0;
    for (const Part& part : parts_) {
      const RecordedLevel* found = part.record->find(layer, routed.level);
      require(found != nullptr, where, "the record has no ", routed.level, " level of layer ", layer);
      require(found->experts() == experts, where, found->name(), " has ", counted(experts, "experts"),
              ", the record is of ", found->experts());
      for (; r < rows && begin_of(r) < before + part.rows(); ++r) {
        const Index first = part.first + begin_of(r) - before, last = part.first + begin_of(r + 1) - before;
        const Index group = last <= part.last ? found->group_of(first) : 0;
        require(last <= part.last && found->row_end(group) >= last, where, "rows ", first, " to ", last - 1,
                " are one segment in ", found->name(), " and must have chosen the same, in the record they did not");
        put(found->choices(group), r, experts, result);
      }
      before += part.rows();
    }
    require(r == rows && begin_of(r) == before, where, "layer ", layer, " routes ",
            counted(r == rows ? begin_of(r) : rows, "rows"), ", the replayed record has ", before);
    return result;
  }

 private:
  struct Part {
    const RoutingRecord* record = nullptr;
    Index first = 0, last = 0;

    Index rows() const { return last - first; }
  };
  static void put(std::span<const std::uint16_t> choices, Index r, Index experts, RecordedChoices& into) {
    ChoiceOrder rank = 0;
    for (const std::uint16_t choice : choices) {
      const Index expert = RecordedChoice::expert(choice);
      const auto e = static_cast<std::size_t>(expert), at = static_cast<std::size_t>(r * experts + expert);
      into.chosen[at] = ++rank;
      if (RecordedChoice::is_dropped(choice)) {
        ++into.dropped[e];
        into.has_dropped = true;
      } else {
        into.kept[at] = rank;
        ++into.load[e];
      }
    }
  }

  std::vector<Part> parts_;
};

}  // namespace moe
