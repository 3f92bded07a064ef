#pragma once

#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/layer_entries.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/mode.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/require.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/experts/expert.hpp"
#include "moe/experts/moe_ffn.hpp"
#include "moe/ops/route.hpp"

namespace moe {

namespace detail {

/// Tensors that backward consumes.
template <class Routing, class X, class Path>
struct MoeSaved {
  /// x, if forward took ownership of it.
  Matrix<typename X::Value, typename X::Backend> x_owned;
  /// View of x.
  View<const typename X::Value, typename X::Backend> x_TD;
  /// Saved by the routing.
  typename Routing::Saved routing;
  /// The route and the experts' saved tensors.
  MoeFfnSaved<X> experts;
  /// Saved by the shared expert.
  typename Path::Saved path;
};

/// What the part of forward before the host's wait leaves to the rest.
template <class Pending, class RoutingSaved, class Path>
struct BegunForward {
  /// The route, whose pairs are being counted.
  Pending pending;
  /// Saved by the routing.
  RoutingSaved routing;
  /// What the shared expert has computed.
  Path path;
};

}  // namespace detail

/// Common implementation of all layers of routed experts. A layer defines `parts()`: routing, experts, and the shared
/// expert. The routing creates a Route, which the experts read:
///
///   route, saved = routing.route(x)          which expert processes which row, and with which weight
///   y            = moe_ffn(experts, x, route)
///   y           += path(x)
///   stats        = routing.make_stats(saved, loads)
///
/// `Layer` is the derived layer (CRTP); LossGradients is the type of its routing.
template <class Layer, class Value, class Backend, class LossGradients>
class MoeLayer : public LayerEntries<Layer, Value, Backend, LossGradients> {
 public:
  /// Base with the public entries, which check their arguments.
  using Entries = LayerEntries<Layer, Value, Backend, LossGradients>;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;

 protected:
  // --- shared by all layers with one route and one pass over the experts --------------------------------------------

  /// Implements forward.
  static auto forward_of(const auto& parts, const Context& context, ConstView x_TD, const Batch& batch) {
    return finish_forward_of(parts, context, x_TD, begin_forward_of(parts, context, x_TD, batch));
  }
  /// The part of forward for which the host waits for nothing.
  static auto begin_forward_of(const auto& parts, const Context& context, ConstView x_TD, const Batch& batch) {
    auto [pending, routing_saved] = parts.routing.template route<Training>(context, x_TD, batch);
    // Work that does not depend on the pending loads is enqueued during their asynchronous copy to the host: the shared
    // expert here, and in moe_ffn the experts whose loads are known.
    auto path = in_phase(context, Phase::experts, [&] { return parts.path.begin(context, x_TD); });
    return detail::BegunForward<decltype(pending), decltype(routing_saved), decltype(path)>{
        std::move(pending), std::move(routing_saved), std::move(path)};
  }
  /// The rest of forward.
  static auto finish_forward_of(const auto& parts, const Context& context, ConstView x_TD, auto begun) {
    using Parts = std::remove_cvref_t<decltype(parts)>;
    auto route = arrived<Accum<Value>, Backend>(context, std::move(begun.pending));
    typename Parts::Saved saved{{}, x_TD, std::move(begun.routing), {}, {}};
    auto [y, experts_saved] = moe_ffn<typename Parts::Expert>(context, parts.experts,
                                                              parts.routing.fed(x_TD, saved.routing), std::move(route));
    saved.experts = std::move(experts_saved);
    auto y_TD = parts.routing.outputs_of_rows(context, std::move(y), saved.routing);
    saved.path = in_phase(context, Phase::experts,
                          [&] { return parts.path.finish(context, std::move(begun.path), y_TD.view()); });
    auto stats = parts.routing.make_stats(context, saved.routing, saved.experts.route.plan.offsets);
    return Forward<Tensor, typename Parts::Saved, decltype(stats)>{std::move(y_TD), std::move(saved), std::move(stats)};
  }
  /// Implements infer.
  static Tensor inference_of(const auto& parts, const Context& context, ConstView x_TD, const Batch& batch) {
    auto [pending, saved] = parts.routing.template route<Inference>(context, x_TD, batch);
    return outputs_of(parts, context, x_TD, std::move(pending), saved);
  }
  /// Implements prefill.
  static Tensor prefill_of(const auto& parts, const Context& context, ConstView x_TD, const Batch& batch, auto& state) {
    auto [pending, saved] = parts.routing.template route<Inference>(context, x_TD, batch);
    auto y_TD = outputs_of(parts, context, x_TD, std::move(pending), saved);
    parts.routing.read(context, x_TD, batch, saved, state);
    return y_TD;
  }
  /// Implements decode.
  static Tensor next_of(const auto& parts, const Context& context, ConstView x_BD,
                        std::span<const std::int32_t> tokens_B, auto& state) {
    auto [pending, saved] = parts.routing.decode(context, x_BD, tokens_B, state);
    auto y_BD = outputs_of(parts, context, x_BD, std::move(pending), saved);
    parts.routing.advance(context, x_BD, tokens_B, state);
    return y_BD;
  }
  /// Output of the routed experts plus the shared expert.
  template <class Pending>
  static Tensor outputs_of(const auto& parts, const Context& context, ConstView x_TD, Pending pending,
                           const auto& routing_saved) {
    using Parts = std::remove_cvref_t<decltype(parts)>;
    auto path = in_phase(context, Phase::experts, [&] { return parts.path.begin(context, x_TD); });
    auto route = arrived<Accum<Value>, Backend>(context, std::move(pending));
    auto y = moe_ffn_infer<typename Parts::Expert>(context, parts.experts, parts.routing.fed(x_TD, routing_saved),
                                                   std::move(route));
    auto y_TD = parts.routing.outputs_of_rows(context, std::move(y), routing_saved);
    in_phase(context, Phase::experts, [&] { return parts.path.finish(context, std::move(path), y_TD.view()); });
    return y_TD;
  }

  /// d_y_TD -> d_x_TD through the experts, the shared expert and the routing. d_mass_1T is the gradient of the sum of
  /// each row's routing weights, for fusions that use it; empty: none.
  template <class GradientTree>
  static Tensor backward_of(const auto& parts, const Context& context, ConstView d_y_TD, const auto& d_losses,
                            auto saved, ExpertSpan<GradientTree> expert_gradients, auto& routing_gradient,
                            auto& path_gradient, View<const Accum<Value>, Backend> d_mass_1T = {}) {
    using Parts = std::remove_cvref_t<decltype(parts)>;
    using X = typename Parts::Expert;
    const auto& route = saved.experts.route;
    if constexpr (Parts::Routing::experts_read_rows) {
      auto [d_x_TD, d_weights_1N] =
          moe_ffn_backward<X>(context, parts.experts, d_y_TD, saved.x_TD, route, std::move(saved.experts.experts),
                              expert_gradients, saved.experts.spread ? &*saved.experts.spread : nullptr);
      add_to_weights_of_rows<Accum<Value>, Backend>(context, d_mass_1T, route.plan, d_weights_1N.view());
      in_phase(context, Phase::experts, [&, d_x = d_x_TD.view()] {
        parts.path.backward(context, d_y_TD, saved.x_TD, std::move(saved.path), d_x, path_gradient);
      });
      parts.routing.backward(context, route.plan, d_weights_1N.view(), d_losses, saved.routing, saved.x_TD,
                             routing_gradient, d_x_TD.view());
      return std::move(d_x_TD);
    } else {
      const auto d_y_VD = parts.routing.outputs_backward(context, d_y_TD, saved.routing);
      auto [d_fed_VD, d_weights_1N] = moe_ffn_backward<X>(
          context, parts.experts, d_y_VD.view(), parts.routing.fed(saved.x_TD, saved.routing), route,
          std::move(saved.experts.experts), expert_gradients, saved.experts.spread ? &*saved.experts.spread : nullptr);
      if (!d_mass_1T.empty()) {
        const auto d_mass_1V = parts.routing.mass_of_rows_backward(context, d_mass_1T, saved.routing);
        add_to_weights_of_rows<Accum<Value>, Backend>(context, d_mass_1V.view(), route.plan, d_weights_1N.view());
      }
      auto d_x_TD = Tensor::zeros(context, d_y_TD.rows, d_y_TD.cols);
      parts.routing.backward(context, route.plan, d_weights_1N.view(), d_losses, saved.routing, saved.x_TD,
                             routing_gradient, d_x_TD.view(), std::move(d_fed_VD));
      return d_x_TD;
    }
  }

 private:
  friend Entries;
  static void require_replay(std::string_view where, const RoutingReplay& replay, const std::vector<Index>& offsets) {
    require(
        Layer::replays, where,
        "the context has a record of choices, and this layer's routing module does not replay one; implement replay "
        "and declare `static constexpr bool replays = true`");
    replay.require_rows(where, offsets);
  }
};

/// The parts of a layer.
template <class Routing_, class X, class Path>
struct MoeParts {
  /// Type of the routing.
  using Routing = std::remove_cvref_t<Routing_>;
  /// Type of the experts.
  using Expert = X;
  /// Tensors that backward consumes.
  using Saved = detail::MoeSaved<Routing, X, Path>;
  /// Routing, which creates the Route.
  Routing_ routing;
  /// Experts, which read the Route.
  ExpertSpan<const X> experts;
  /// Shared expert, or NoSharedExpert.
  const Path& path;
};

}  // namespace moe
