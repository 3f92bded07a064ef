#pragma once

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/counted.hpp"
#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// One recorded choice: the expert's number in the low 15 bits; the highest bit is set if the capacity dropped the
/// pair.
struct RecordedChoice {
  /// The bit of a choice that was dropped: the expert did not process the row.
  static constexpr std::uint16_t dropped = 0x8000;
  /// Largest number of experts of a level.
  static constexpr Index most_experts = 0x8000;

  /// Number of the expert.
  static constexpr Index expert(std::uint16_t choice) { return choice & (dropped - 1); }
  /// Whether the capacity dropped it.
  static constexpr bool is_dropped(std::uint16_t choice) { return (choice & dropped) != 0; }
};

/// The choices of one level of one layer for each row of a sequence, in choice order; a row may have any number of
/// choices. Consecutive rows with the same choices form a group, which is stored once, such as the rows of a segment.
class RecordedLevel {
 public:
  /// A record without rows. Throws Error unless `level` is "token" or "segment" and the number of experts lies in
  /// [1, 32768].
  RecordedLevel(std::uint32_t layer, std::string_view level, Index experts)
      : layer_(layer), level_(level), experts_(experts) {
    require(level == "token" || level == "segment", "RecordedLevel", "a level must be token or segment, got ", level);
    require(experts >= 1 && experts <= RecordedChoice::most_experts, "RecordedLevel",
            "the number of experts must lie in [1, ", RecordedChoice::most_experts, "], got ", experts);
  }

  /// The layer's number in the model.
  std::uint32_t layer() const { return layer_; }
  /// "token" or "segment".
  std::string_view level() const { return level_; }
  /// Number of experts, E.
  Index experts() const { return experts_; }
  /// Number of recorded rows of x.
  Index rows() const { return row_end_.empty() ? 0 : row_end_.back(); }

  /// Number of groups.
  Index groups() const { return static_cast<Index>(row_end_.size()); }
  /// The group of row t.
  Index group_of(Index t) const {
    return std::upper_bound(row_end_.begin(), row_end_.end(), static_cast<std::uint32_t>(t)) - row_end_.begin();
  }
  /// One past the last row of group g.
  Index row_end(Index g) const { return row_end_[static_cast<std::size_t>(g)]; }
  /// The choices of each row of group g, in the form of RecordedChoice.
  std::span<const std::uint16_t> choices(Index g) const {
    const auto at = static_cast<std::size_t>(g);
    const std::size_t first = g == 0 ? 0 : choice_end_[at - 1];
    return {choices_.data() + first, choice_end_[at] - first};
  }
  /// The choices of row t.
  std::span<const std::uint16_t> of_row(Index t) const { return choices(group_of(t)); }

  /// Appends `rows` rows with the same choices. Throws Error if an expert does not exist or is chosen twice, if the
  /// rows or choices do not fit into 32 bits, or if `rows` is less than 1; the record is then unchanged.
  void append(Index rows, std::span<const std::uint16_t> chosen) {
    constexpr auto most = (std::numeric_limits<std::uint32_t>::max)();
    require(rows >= 1 && rows <= static_cast<Index>(most) - this->rows() && chosen.size() <= most - choices_.size(),
            "RecordedLevel", "at least one row must be appended, and rows and choices must fit into 32 bits, got ",
            counted(rows, "rows"), " of ", counted(chosen.size(), "choices"), " after ", counted(this->rows(), "rows"));
    std::vector<Index> experts;
    for (const std::uint16_t choice : chosen) experts.push_back(RecordedChoice::expert(choice));
    std::sort(experts.begin(), experts.end());
    require(experts.empty() || experts.back() < experts_, "RecordedLevel", name(), " has ",
            counted(experts_, "experts"), ", row ", this->rows(), " chose expert ",
            experts.empty() ? 0 : experts.back());
    const auto twice = std::adjacent_find(experts.begin(), experts.end());
    if (twice != experts.end())
      require(false, "RecordedLevel", "row ", this->rows(), " of ", name(), " chose expert ", *twice, " twice");
    const auto end = static_cast<std::uint32_t>(this->rows() + rows);
    if (!row_end_.empty() && std::ranges::equal(choices(groups() - 1), chosen)) {
      row_end_.back() = end;
      return;
    }
    choices_.insert(choices_.end(), chosen.begin(), chosen.end());
    row_end_.push_back(end);
    choice_end_.push_back(static_cast<std::uint32_t>(choices_.size()));
  }
  /// Keeps only the first `rows` rows.
  void truncate(Index rows) {
    while (!row_end_.empty() && (groups() == 1 ? 0 : row_end(groups() - 2)) >= rows) {
      row_end_.pop_back();
      choice_end_.pop_back();
    }
    choices_.resize(choice_end_.empty() ? 0 : choice_end_.back());
    if (this->rows() > rows) row_end_.back() = static_cast<std::uint32_t>(rows);
  }
  /// "the token level of layer 3".
  std::string name() const { return "the " + level_ + " level of layer " + std::to_string(layer_); }

  /// Whether both have the same content.
  friend bool operator==(const RecordedLevel&, const RecordedLevel&) = default;

 private:
  std::uint32_t layer_ = 0;
  std::string level_;
  Index experts_ = 0;
  /// For each group: one past its last row, and one past its last choice.
  std::vector<std::uint32_t> row_end_, choice_end_;
  std::vector<std::uint16_t> choices_;
};

/// The experts that the layers of a model selected for each row of one sequence (router replay, arXiv 2510.11370). A
/// sequence gives the same record whether it is processed at once or row by row.
struct RoutingRecord {
  /// hash_of_tokens() of the sequence, or 0 if its tokens are unknown.
  std::uint64_t tokens = 0;
  /// One for each layer and level, in the order of first occurrence.
  std::vector<RecordedLevel> levels;

  /// Number of recorded rows.
  Index rows() const { return levels.empty() ? 0 : levels.front().rows(); }
  /// A level, or null if it is not recorded.
  const RecordedLevel* find(std::uint32_t layer, std::string_view level) const {
    for (const RecordedLevel& one : levels)
      if (one.layer() == layer && one.level() == level) return &one;
    return nullptr;
  }
  /// Throws Error if a level occurs twice or levels differ in their number of rows.
  void require_consistent(std::string_view where) const {
    for (const RecordedLevel& one : levels) {
      require(find(one.layer(), one.level()) == &one, where, "the record has ", one.name(), " twice");
      require(one.rows() == rows(), where, "all levels must have the same number of rows, ", one.name(), " has ",
              one.rows(), ", ", levels.front().name(), " has ", rows());
    }
  }

  /// Whether both have the same content.
  friend bool operator==(const RoutingRecord&, const RoutingRecord&) = default;
};

namespace detail {

/// FNV-1a hash of 64 bits, updated byte by byte.
struct Fnv64 {
  std::uint64_t hash = 14695981039346656037u;

  constexpr void add(std::uint8_t byte) { hash = (hash ^ byte) * 1099511628211u; }
};

}  // namespace detail

/// Hash of a sequence of token ids: FNV-1a over the 32 bits of each id, low byte first. Never 0.
inline std::uint64_t hash_of_tokens(std::span<const std::int32_t> tokens) {
  detail::Fnv64 fnv;
  for (const std::int32_t token : tokens)
    for (int shift = 0; shift < 32; shift += 8)
      fnv.add(static_cast<std::uint8_t>(static_cast<std::uint32_t>(token) >> shift));
  return fnv.hash == 0 ? 1 : fnv.hash;
}

}  // namespace moe
