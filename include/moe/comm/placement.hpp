#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>
#include <vector>

#include "moe/core/counted.hpp"
#include "moe/core/index.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Which rank has the weights of each expert, and computes for the rows of all ranks.
struct Placement {
  /// The owner of an expert whose weights every rank has: its rows stay where they are.
  static constexpr int everywhere = -1;

  /// For each expert: the rank that has it, or `everywhere`.
  std::vector<int> owner;

  /// Consecutive experts on consecutive ranks, as even as possible: 11 experts over 8 ranks are 2, 2, 2, 1, 1, 1, 1, 1.
  /// The `replicated` ones live everywhere. Throws Error if there is no rank, or for a replicated expert that does not
  /// exist.
  static Placement blocks(Index experts, int ranks, const std::vector<Index>& replicated = {}) {
    return dealt("Placement::blocks", experts, ranks, replicated, [&](Index i, Index spread) {
      const Index even = spread / ranks, larger = spread % ranks;
      return i < larger * (even + 1) ? i / (even + 1) : (i - larger) / even;
    });
  }

  /// The next expert on the next rank, in turns: 5 experts over 2 ranks are on 0, 1, 0, 1, 0. The levels of HybridMoE
  /// then have equal parts on every rank. Otherwise as blocks(), whose rows need one copy less on their way.
  static Placement round_robin(Index experts, int ranks, const std::vector<Index>& replicated = {}) {
    return dealt("Placement::round_robin", experts, ranks, replicated, [&](Index i, Index) { return i % ranks; });
  }

 private:
  /// rank_of(i, spread) is the rank of the i-th of `spread` experts that do not live everywhere.
  template <class RankOf>
  static Placement dealt(std::string_view where, Index experts, int ranks, const std::vector<Index>& replicated,
                         const RankOf& rank_of) {
    require(ranks >= 1, where, "experts need at least 1 rank, got ", ranks);
    require(experts >= 1, where, "a layer has at least 1 expert, got ", experts);
    Placement result{std::vector<int>(static_cast<std::size_t>(experts), 0)};
    for (const Index e : replicated) {
      require(e >= 0 && e < experts, where, "there are ", counted(experts, "experts"), ", numbered from 0, got number ",
              e, " among those that every rank has");
      result.owner[static_cast<std::size_t>(e)] = everywhere;
    }
    const Index spread = experts - static_cast<Index>(std::count(result.owner.begin(), result.owner.end(), everywhere));
    Index next = 0;
    for (int& owner : result.owner)
      if (owner != everywhere) owner = static_cast<int>(rank_of(next++, spread));
    return result;
  }
};

/// A placement as seen from one rank: what a bank of experts keeps of it. The default has every expert here.
struct PlacedExperts {
  /// As in Placement; empty if every expert is here and nothing is exchanged.
  std::vector<int> owner{};
  /// This rank.
  int rank = 0;
  /// Number of ranks.
  int ranks = 1;
  /// Columns of x, which a rank without experts cannot see from their weights.
  Index width = 0;

  /// Whether rows are exchanged.
  bool is_spread() const { return !owner.empty(); }
  /// Whether this rank has the expert's weights.
  bool is_here(std::size_t expert) const {
    return owner.empty() || owner[expert] == Placement::everywhere || owner[expert] == rank;
  }
};

}  // namespace moe
