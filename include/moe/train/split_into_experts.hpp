#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/core/bfloat16.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"
#include "moe/experts/channels.hpp"
#include "moe/experts/shared_expert.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/ops/add.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/upcycle.hpp"

namespace moe {

namespace detail {

/// Copies channels [first, last) of the dense FFN to the first channels of `part`; its other channels keep their
/// values. A weight without a channel axis, the bias of the output, is divided equally among all `shards` parts.
template <HasChannels X>
void take_channels(const typename X::Context& context, const X& dense, Index first, Index last, X& part,
                   Index shards = 1) {
  using B = typename X::Backend;
  using Value = typename X::Value;
  const auto copy = [&](View<const Value, B> from, View<Value, B> to, double factor) {
    std::vector<Value> values(static_cast<std::size_t>(from.size()));
    B::download(context, from, values.data());
    if (factor != 1)
      for (Value& value : values)
        value = static_cast<Value>(static_cast<Accum<Value>>(factor * static_cast<double>(widened(value))));
    B::upload(context, values.data(), to);
  };
  const Index count = last - first;
  X::visit_channels(
      [&](Channels place, const auto& from, auto& to) {
        if (place == Channels::rows)
          copy(from.view().rows_between(first, last), to.view().rows_between(0, count), 1);
        else if (place == Channels::cols)
          copy(from.view().cols_between(first, last), to.view().cols_between(0, count), 1);
        else
          copy(from.view(), to.view(), 1 / static_cast<double>(shards));
      },
      dense, part);
}

}  // namespace detail

/// Initializes one expert from part `number` mod `shards` of a dense FFN, as split_into_experts() does; channels beyond
/// the part are drawn. `name` is the expert's name with a trailing dot. Throws Error if the FFNs' widths differ,
/// `shards` is below 1, the expert has fewer channels than the part, or a setting of `start` is out of range.
template <HasChannels X>
void split_off_expert(const typename X::Context& context, const X& dense, X& expert, Index number, Index shards,
                      const Upcycling& start, const std::string& name) {
  const char* const where = "split_into_experts";
  const Index hidden = dense.hidden();
  if constexpr (requires { dense.require_consistent(where); }) {
    dense.require_consistent(where);
    expert.require_consistent(where);
  }
  require(dense.width() == expert.width(), where, "the dense FFN is ", dense.width(), " wide, the layer ",
          expert.width());
  require(shards >= 1, where, "the FFN must be cut into at least 1 part, got ", shards);
  const Index part = (hidden + shards - 1) / shards;
  require(expert.hidden() >= part, where, "a part of the dense FFN has ", part, " channels, an expert ",
          expert.hidden());
  detail::check_start(start);
  X::visit_parameters(
      [&](const std::string& weight_name, auto& weight) {
        if constexpr (std::remove_cvref_t<decltype(weight)>::rank == 2)
          draw_normal(context, weight, start.seed, weight_name, start.router_deviation);
        else
          set_to_zero(context, weight.view());
      },
      name, expert);
  const Index first = (std::min)(number % shards * part, hidden), last = (std::min)(first + part, hidden);
  detail::take_channels(context, dense, first, last, expert, shards);
  detail::perturb_expert(context, expert, start, name);
}

/// Initializes the shared expert from all channels of the dense FFN, as split_into_experts() does; channels beyond
/// these are drawn. The noise and reinitialization of `start` do not apply, since there is no second copy to differ
/// from. Throws Error as split_off_expert().
template <HasChannels X>
void split_off_shared_expert(const typename X::Context& context, const X& dense, X& shared, const Upcycling& start,
                             const std::string& name) {
  require(shared.hidden() >= dense.hidden(), "split_into_experts", "the dense FFN has ", dense.hidden(),
          " channels, the shared expert ", shared.hidden());
  const Upcycling alone{.seed = start.seed, .router_deviation = start.router_deviation};
  split_off_expert(context, dense, shared, 0, 1, alone, name);
}

/// Upcycles a dense FFN to a fine-grained layer with a shared expert, as done for Qwen1.5-MoE. The dense FFN's inner
/// channels are cut into `shards` parts of ceil(F / shards) channels, the last part shorter; expert e gets part e mod
/// `shards`, the shared expert gets all of them. Only the gates and the channels of an expert beyond its part are drawn
/// from N(0, router_deviation^2); the biases of such channels are 0. `start` makes copies of a part differ as in
/// upcycle(). The layer does not start out equal to the dense FFN: its gates do not sum to 1.
///
/// Throws Error if the FFNs' widths differ, `shards` is below 1, an expert has fewer channels than its part, or a
/// setting of `start` is out of range.
template <class R, class N, class C, HasChannels X, class Bal>
void split_into_experts(const typename X::Context& context, const X& dense,
                        TokenMoE<R, N, C, X, SharedExpert<X, SigmoidGate>, Bal>& layer, Index shards,
                        const Upcycling& start, const std::string& prefix = {}) {
  split_off_shared_expert(context, dense, layer.shared_path.ffn, start, prefix + "shared_expert.");
  for (Index e = 0; e < layer.bank.count(); ++e)
    split_off_expert(context, dense, layer.bank.experts[static_cast<std::size_t>(e)], e, shards, start,
                     detail::element_prefix(prefix, "experts.", e));
  const auto draw = [&](const std::string& name, auto& weight) {
    draw_normal(context, weight, start.seed, prefix + name, start.router_deviation);
  };
  draw("shared_expert_gate.weight", layer.shared_path.gate.weight);
  draw("gate.weight", layer.routing.gate.weight);
}

}  // namespace moe
