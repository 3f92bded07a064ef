#pragma once

#include <concepts>
#include <span>
#include <string_view>

#include "moe/core/batch.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/mode.hpp"
#include "moe/core/module.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/view.hpp"
#include "moe/ops/route.hpp"

namespace moe {

/// Whether a routing module works on the choices that the context's record has, where it has one: it says so by
/// `static constexpr bool replays = true`. A layer of another one refuses such a context.
template <class M>
inline constexpr bool replays_choices = requires {
  requires M::replays;
};

/// What makes a Route: everything that learns in routing is its own. A layer asks it for
///
///   route<Training or Inference>(context, x_TD, batch) -> {route, saved}
///   make_stats(context, saved, offsets) -> Stats          losses and loads, when the experts are enqueued
///   backward(context, part, d_weights_1N, d_losses, saved, x_TD, gradient, d_x_TD)
///                                                         adds to d_x_TD and into `gradient`
///   begin_decoding(context, sequences) -> DecodingState, decode(context, x_BD, tokens_B, state) -> {route, saved},
///   advance(context, x_BD, tokens_B, state), read(context, x_TD, batch, saved, state)
///                                                         where it is causal; decode leaves the state as it is until
///                                                         advance, read follows a batch that was routed
///   absorb(context, stats)                                what is learned outside gradients
///   width(), experts(), require_consistent(where), keeps(saved, rows), require_state(where, state, count, whose, what)
///
/// and for the walks of every module over parameters, and over buffers. LossGradients are the gradients of the
/// auxiliary losses that the module names; Stats reports their values.
template <class M>
concept RoutingModule = Module<M> &&
    requires(const M& routing, M& gradient, const typename M::Backend::Context& context,
             View<const typename M::Value, typename M::Backend> x_TD,
             View<typename M::Value, typename M::Backend> d_x_TD,
             View<const typename M::Real, typename M::Backend> d_weights_1N, const PlanPart<typename M::Backend>& part,
             const Batch& batch, typename M::Saved& saved, typename M::LossGradients d_losses,
             const typename M::Stats& stats, ListView<Index> offsets, std::string_view where, Index rows) {
  { M::is_causal } -> std::convertible_to<bool>;
  { M::is_batch_independent } -> std::convertible_to<bool>;
  typename M::DecodingState;
  routing.template route<Training>(context, x_TD, batch).route;
  routing.template route<Inference>(context, x_TD, batch).saved;
  { routing.make_stats(context, saved, offsets) } -> std::same_as<typename M::Stats>;
  routing.backward(context, part, d_weights_1N, d_losses, saved, x_TD, gradient, d_x_TD);
  gradient.absorb(context, stats);
  { routing.width() } -> std::same_as<Index>;
  { routing.experts() } -> std::same_as<Index>;
  routing.require_consistent(where);
  { routing.keeps(saved, rows) } -> std::same_as<bool>;
};

}  // namespace moe
