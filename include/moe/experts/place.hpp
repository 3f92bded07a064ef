#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/comm/placement.hpp"
#include "moe/comm/ranks.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/index.hpp"
#include "moe/core/module.hpp"
#include "moe/core/require.hpp"

namespace moe {

/// Whether a layer has experts that place() can spread.
template <class Layer>
concept HasExperts = requires(Layer& layer) {
  Layer::visit_banks([](const auto&) {}, layer);
};

/// Number of experts that a placement of this layer is for: those of all its banks, numbered as the layer numbers them
/// (in HybridMoE the token level's first). 0 for a layer without experts.
template <class Layer>
Index count_experts(const Layer& layer) {
  Index count = 0;
  if constexpr (requires { layer.experts(); })
    count = layer.experts();
  else if constexpr (HasExperts<const Layer>)
    Layer::visit_banks([&](const auto& bank) { count += bank.count(); }, layer);
  return count;
}

namespace detail {

/// Gives up the weights that live elsewhere.
template <class Bank>
void place_bank(Bank& bank, int rank, int ranks, std::vector<int> owner) {
  using X = std::remove_cvref_t<decltype(bank.experts.front())>;
  if (std::all_of(owner.begin(), owner.end(), [](int one) { return one == Placement::everywhere; })) return;
  const Index width = bank.width();
  bank.place = {std::move(owner), rank, ranks, width};
  for (std::size_t e = 0; e < bank.experts.size(); ++e)
    if (!bank.place.is_here(e))
      X::visit_parameters([](const auto&, auto& weight) { weight = std::remove_cvref_t<decltype(weight)>(); },
                          Nameless{}, bank.experts[e]);
}

/// The same for all banks of a layer. Throws Error, without changing anything, if the layer has no experts or another
/// number of them, if an owner is no rank, or if the experts were placed before.
template <class Layer>
void place_experts(Layer& layer, int rank, int ranks, const Placement& placement) {
  constexpr std::string_view where = "place";
  if constexpr (requires { layer.place_experts(rank, ranks, placement); }) {
    layer.place_experts(rank, ranks, placement);
  } else if constexpr (HasExperts<Layer>) {
    const Index count = count_experts(std::as_const(layer));
    require(static_cast<Index>(placement.owner.size()) == count, where, "the layer has ", counted(count, "experts"),
            ", the placement is of ", placement.owner.size());
    for (std::size_t e = 0; e < placement.owner.size(); ++e)
      require(placement.owner[e] >= Placement::everywhere && placement.owner[e] < ranks, where,
              "an expert's rank must lie in [0, ", ranks, ") or be Placement::everywhere, got ", placement.owner[e],
              " for expert ", e);
    Layer::visit_banks(
        [&](const auto& bank) {
          require(!bank.place.is_spread(), where,
                  "the experts were placed before: the weights that live on other ranks are no longer here, build the "
                  "layer anew");
        },
        layer);
    auto next = placement.owner.begin();
    Layer::visit_banks(
        [&](auto& bank) {
          const auto end = next + bank.count();
          place_bank(bank, rank, ranks, {next, end});
          next = end;
        },
        layer);
  } else {
    throw Error("[place] the layer has no experts that could live on other ranks");
  }
}

/// A number that two placements have in common only if they are equal, but for one in 2^64.
inline Index hash_of(const std::vector<int>& owner) {
  std::uint64_t hash = 1469598103934665603u;
  for (const int one : owner) hash = (hash ^ static_cast<std::uint64_t>(one + 2)) * 1099511628211u;
  return static_cast<Index>(hash);
}

}  // namespace detail

/// Spreads a layer's experts over ranks: frees the weights of those that live on other ranks. Rows then travel to their
/// experts and back in forward, backward, infer, prefill and decode, with a context that has these ranks. Every rank
/// calls it with the same placement of all experts of the layer, and then runs the layer with its own rows, maybe none.
/// An empty weight means: another rank has it; its gradient is empty as if it did not train. Gates, shared experts and
/// experts that live everywhere are the same on all ranks: sum their gradients over ranks (train/sharded.hpp) before a
/// step. With one rank nothing changes.
///
/// Place before gradients, optimizer state and packed weights are made. Throws Error as stated above, CommError if the
/// ranks are given different placements.
template <class Layer, class B>
void place(Layer& layer, Ranks<B>& ranks, const Placement& placement) {
  const auto count = static_cast<std::size_t>(ranks.size());
  const Index mine = detail::hash_of(placement.owner);
  const std::vector<Index> to(count, mine);
  std::vector<Index> from(count);
  ranks.announce({"placement of experts"}, to, 1, from.data());
  for (std::size_t p = 0; p < count; ++p)
    require(from[p] == mine, "place", "every rank must be given the same placement, rank ", p, " and rank ",
            ranks.rank(), " have different ones");
  if (ranks.size() == 1) {
    require(static_cast<Index>(placement.owner.size()) == count_experts(std::as_const(layer)), "place",
            "the layer has ", counted(count_experts(std::as_const(layer)), "experts"), ", the placement is of ",
            placement.owner.size());
    return;
  }
  detail::place_experts(layer, ranks.rank(), ranks.size(), placement);
}

}  // namespace moe
