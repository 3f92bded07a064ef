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

/// The rows that one level routes: the rows of x, or segments of them.
struct RoutedRows {
  /// "token" or "segment".
  std::string_view level = "token";
  /// Routed row r has rows [begin[r], begin[r+1]) of x; empty: every row of x is one routed row.
  ListView<Index> begin{};
};

/// The recorded choices of the rows that a level routes, in host memory.
struct RecordedChoices {
  /// Choice order before dropping, rows x experts, row-major; 0: not selected.
  std::vector<ChoiceOrder> chosen;
  /// The same without the pairs that the capacity dropped.
  std::vector<ChoiceOrder> kept;
  /// For each expert: number of routed rows that it processes.
  std::vector<Index> load;
  /// For each expert: number of routed rows that the capacity dropped.
  std::vector<Index> dropped;
  /// Whether any pair was dropped.
  bool has_dropped = false;
};

/// Recorded choices that replace those of the routers in a pass. If the context has a pointer to it, every layer that
/// runs with the context processes the recorded pairs, in training, inference and decoding alike; routing weights and
/// gradients come from the current logits. It has a record, or some rows of one, for each sequence of the pass, in
/// their order, and no other rows.
class RoutingReplay {
 public:
  RoutingReplay() = default;
  /// All rows of each record.
  explicit RoutingReplay(std::span<const RoutingRecord> records) {
    for (const RoutingRecord& record : records) add(record);
  }

  /// Adds the next sequence: all rows of its record, which must outlive this object. Throws Error if the record has no
  /// level.
  void add(const RoutingRecord& record) { add(record, 0, record.rows()); }
  /// Adds only the rows [first, last), for a pass that begins or ends within the sequence. Throws Error also if the
  /// record does not have these rows.
  void add(const RoutingRecord& record, Index first, Index last) {
    require(!record.levels.empty(), "RoutingReplay", "the record is empty: it has no layer");
    record.require_consistent("RoutingReplay");
    require(first >= 0 && first <= last && last <= record.rows(), "RoutingReplay", "rows must lie in [0, ",
            record.rows(), "] and not descend, got ", first, " to ", last);
    parts_.push_back({&record, first, last});
  }
  /// Adds the next sequence and checks its tokens: throws Error also if the record is of other tokens.
  void add(const RoutingRecord& record, std::span<const std::int32_t> tokens) {
    require(record.rows() == static_cast<Index>(tokens.size()), "RoutingReplay", "the record has ",
            counted(record.rows(), "rows"), ", the sequence ", counted(tokens.size(), "tokens"));
    require(record.tokens == hash_of_tokens(tokens), "RoutingReplay", "the record has other tokens: their hash is ",
            record.tokens, ", that of the sequence is ", hash_of_tokens(tokens));
    add(record);
  }

  /// Throws Error unless the sequences at `offsets` have as many rows as the added records.
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

  /// The recorded choices of layer number `layer` at the level of `routed`, for `rows` routed rows. Throws Error if the
  /// record does not have this level, if its number of experts differs from `experts` or its rows from the routed ones,
  /// or if it has different choices for rows of x that belong to one routed row.
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
              ", the record has ", found->experts());
      for (; r < rows && begin_of(r) < before + part.rows(); ++r) {
        const Index first = part.first + begin_of(r) - before, last = part.first + begin_of(r + 1) - before;
        const Index group = last <= part.last ? found->group_of(first) : 0;
        require(last <= part.last && found->row_end(group) >= last, where, "rows ", first, " to ", last - 1,
                " are one segment in ", found->name(), " and must have the same choices, in the record they do not");
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
