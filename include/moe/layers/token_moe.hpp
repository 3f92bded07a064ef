#pragma once

#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/module.hpp"
#include "moe/core/settings.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/experts/shared_path.hpp"
#include "moe/layers/moe_layer.hpp"
#include "moe/routing/balance/balance_over_all.hpp"
#include "moe/routing/routing_module.hpp"
#include "moe/routing/token_routing.hpp"

namespace moe {

namespace detail {
/// Placeholder for the policies in TokenMoE<Routing, Expert>, where the routing module contains them.
struct OfRouting {};
}  // namespace detail

template <class R, class N, class C = detail::OfRouting, class X = detail::OfRouting, class Path = NoSharedExpert,
          class Bal = BalanceOverAll>
class TokenMoE;

namespace detail {

/// Checks TokenMoE's template arguments: the policies of a TokenRouting, and experts.
template <class R, class N, class C, class X, class Path, class Bal>
struct TokenParts {
  static_assert(Router<R>, "TokenMoE: 1st argument must be a Router: choose(Row<const Real>, Row<ChoiceOrder>) const");
  static_assert(
      GateNormalizer<N>,
      "TokenMoE: 2nd argument must be a GateNormalizer: normalize(logits_E, chosen_E, gates_E) const and backward");
  static_assert(Capacity<C>, "TokenMoE: 3rd argument must be a Capacity: Index rows_per_expert(Demand) const");
  static_assert(Expert<X>, "TokenMoE: 4th argument must be an ExpertBank of Experts such as SwiGlu<float, Cpu<>>");
  static_assert(
      SharedPath<Path, typename X::Value, typename X::Backend>,
      "TokenMoE: 5th argument must be an always-on path of the experts' value type and backend, or NoSharedExpert");
  static_assert(Balance<Bal>, "TokenMoE: 6th argument must be a Balance: bool counts(Index expert) const");
  static_assert(
      !LeavesOutShared<Bal> || HasSharedExpert<typename FormsOf<R>::Train>,
      "TokenMoE: BalanceOverRouted excludes the expert that every row selects; the router must name this expert by "
      "chosen_by_all(), as SharedTopK does");
  using Experts = X;
  using Beside = Path;
  using Routing = TokenRouting<R, N, C, typename X::Value, typename X::Backend, Bal>;
  template <class Other>
  using Rebound = TokenMoE<R, N, C, typename X::template rebind<Other>, typename Path::template rebind<Other>, Bal>;
};
/// The second form: a routing module and experts.
template <class M, class X, class Path>
struct TokenParts<M, X, OfRouting, OfRouting, Path, BalanceOverAll> {
  static_assert(explain_routing_module<M>());
  static_assert(Expert<X>, "TokenMoE: 2nd argument must be an ExpertBank of Experts such as SwiGlu<float, Cpu<>>");
  using Experts = X;
  using Beside = Path;
  using Routing = M;
  template <class Other>
  using Rebound = TokenMoE<Rebind<M, Other>, typename X::template rebind<Other>, OfRouting, OfRouting,
                           typename Path::template rebind<Other>>;
};

}  // namespace detail

/// The router selects experts for each row; the output is the gate-weighted sum of their outputs (eqs. 1, 2) plus the
/// shared expert: y_t = sum_e g_te E_e(x_t) + shared_path(x_t). Declared with policies, TokenMoE<Router,
/// GateNormalizer, Capacity, Expert>, or with a routing module, TokenMoE<Routing, Expert>.
///
/// Weights: the routing's (gate.weight [E, D]), experts.e.*, and the shared expert's.
template <class R, class N, class C, class X, class Path, class Bal>
class TokenMoE : public MoeLayer<TokenMoE<R, N, C, X, Path, Bal>,
                                 typename detail::TokenParts<R, N, C, X, Path, Bal>::Experts::Value,
                                 typename detail::TokenParts<R, N, C, X, Path, Bal>::Experts::Backend,
                                 typename detail::TokenParts<R, N, C, X, Path, Bal>::Routing::LossGradients> {
  using Parts = detail::TokenParts<R, N, C, X, Path, Bal>;

 public:
  /// Type of the routing, which creates the Route.
  using Routing = typename Parts::Routing;
  using ExpertType = typename Parts::Experts;
  using Value = typename ExpertType::Value;
  using Backend = typename ExpertType::Backend;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Type that routing is computed and stored in.
  using Real = Accum<Value>;
  using DecodingState = typename Routing::DecodingState;
  /// Statistics of a training forward.
  using Stats = typename Routing::Stats;
  /// Gradients of the routing's auxiliary losses.
  using LossGradients = typename Routing::LossGradients;
  /// Tensors that backward consumes.
  using Saved = detail::MoeSaved<Routing, ExpertType, Path>;
  template <class Other>
  using rebind = typename Parts::template Rebound<Other>;

  static constexpr bool is_causal = Routing::is_causal;
  static constexpr bool is_batch_invariant = Routing::is_batch_invariant;
  /// Whether a pass can replay recorded choices (Context::replay).
  static constexpr bool replays = replays_choices<Routing>;
  /// Whether the layer has routed experts only and no shared expert.
  static constexpr bool only_experts = std::is_same_v<Path, NoSharedExpert>;
  /// Name in error messages.
  static constexpr std::string_view name = "TokenMoE";
  /// Clause of the error for x with a wrong number of columns: "x has 3 columns, the gate expects 4".
  static constexpr std::string_view reader = "the gate expects";

  /// Routing: selects experts and computes their gates.
  Routing routing;
  /// The routed experts.
  ExpertBank<ExpertType> bank;
  /// Shared expert, or NoSharedExpert.
  Path shared_path;

  TokenMoE() = default;
  /// The gate's weight is all zero. Throws Error if the bank has no experts or if parts or settings do not match it.
  TokenMoE(R router, N normalizer, C capacity, ExpertBank<X> experts, Path path = {},
           Bal balance_over = {}) requires(!std::is_same_v<X, detail::OfRouting>)
      : routing(router, normalizer, capacity, experts.width(), experts.count(), balance_over),
        bank(std::move(experts)),
        shared_path(std::move(path)) {
    require_consistent(name);
  }
  /// The same with an existing routing module.
  TokenMoE(Routing routing_, ExpertBank<ExpertType> experts,
           Path path = {}) requires(std::is_same_v<X, detail::OfRouting>)
      : routing(std::move(routing_)), bank(std::move(experts)), shared_path(std::move(path)) {
    require_consistent(name);
  }

  Index width() const { return routing.width(); }
  /// Calls visit(bank) for the layer's banks of experts, in the order of their numbers.
  template <class Visit, class Layer>
  static void visit_banks(const Visit& visit, Layer& layer) {
    visit(layer.bank);
  }

  /// Throws Error unless weights, buffers and settings match each other. Every public entry calls this, since all of
  /// them are assignable.
  void require_consistent(std::string_view where) const {
    require(routing.experts() == bank.count(), where, "the gate chooses among ", counted(routing.experts(), "experts"),
            ", there are ", bank.count());
    bank.require_consistent(where);
    require(width() == bank.width(), where, "the gate reads ", counted(width(), "columns"), ", experts read ",
            bank.width());
    routing.require_consistent(where);
    require_settings(shared_path, width());
  }
  /// Throws Error unless the shapes of `saved` match this layer and it has not been consumed.
  void require_saved(std::string_view where, const Saved& saved) const {
    const Index rows = saved.x_TD.rows;
    bool fits =
        saved.x_TD.cols == width() && routing.keeps(saved.routing, rows) && saved.experts.fits(rows, bank.span());
    if constexpr (requires { shared_path.keeps(saved.path, rows); }) fits = fits && shared_path.keeps(saved.path, rows);
    require(fits, where, "`saved` must be what forward of this layer returned, not consumed yet, got one of ", rows,
            " x ", saved.x_TD.cols, " rows");
  }
  /// Throws Error unless the state comes from this layer's begin_decoding and has `count` sequences. `whose` ("x has")
  /// and `what` ("rows") name the source of `count` in the message.
  void require_state(std::string_view where, const DecodingState& state, Index count, std::string_view whose,
                     std::string_view what) const {
    routing.require_state(where, state, count, whose, what);
  }

  // --- forward in two parts, for layers of several levels: the host waits once for the loads of all of them ----------

  /// The part of forward for which the host waits for nothing. Does not check its arguments.
  auto begin_forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    return Base::begin_forward_of(parts(), context, x_TD, batch);
  }
  /// The rest of forward, for what begin_forward() returned.
  auto finish_forward(const Context& context, ConstView x_TD, auto begun) const {
    return Base::finish_forward_of(parts(), context, x_TD, std::move(begun));
  }

  /// Updates the buffers from the statistics of one forward pass. Call it for each micro-batch after the optimizer
  /// step; a bias then moves once per micro-batch. Throws Error if the number of experts in `stats` differs from the
  /// layer's.
  void update_buffers(const Context& context, const Stats& stats) {
    require_consistent("TokenMoE::update_buffers");
    routing.update_buffers(context, stats);
  }

  TokenMoE empty_tree() const { return empty_tree_of<Value>(); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree;
    tree.routing = detail::empty_tree_of<Other>(routing);
    tree.bank = bank.template empty_tree_of<Other>();
    tree.shared_path = detail::empty_tree_of<Other>(shared_path);
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    Routing::visit_parameters(visit, prefix, trees.routing...);
    ExpertBank<ExpertType>::visit_parameters(visit, prefix, trees.bank...);
    Path::visit_parameters(visit, prefix, trees.shared_path...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    Routing::visit_buffers(visit, prefix, trees.routing...);
  }

 private:
  using Base = MoeLayer<TokenMoE, Value, Backend, LossGradients>;
  friend Base;
  friend typename Base::Entries;

  MoeParts<const Routing&, ExpertType, Path> parts() const { return {routing, bank.span(), shared_path}; }
  auto make_forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    return Base::forward_of(parts(), context, x_TD, batch);
  }
  template <class GradientTree>
  Tensor make_backward(const Context& context, ConstView d_y_TD, const LossGradients& d_losses, Saved saved,
                       GradientTree& gradient) const {
    return Base::backward_of(parts(), context, d_y_TD, d_losses, std::move(saved), ExpertSpan(gradient.bank.span()),
                             gradient.routing, gradient.shared_path);
  }
  Tensor make_inference(const Context& context, ConstView x_TD, const Batch& batch) const {
    return Base::inference_of(parts(), context, x_TD, batch);
  }
  DecodingState begin_state(const Context& context, Index sequences) const {
    return routing.begin_decoding(context, sequences);
  }
  Tensor make_prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState& state) const {
    return Base::prefill_of(parts(), context, x_TD, batch, state);
  }
  Tensor make_decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                     DecodingState& state) const {
    return Base::next_of(parts(), context, x_BD, tokens_B, state);
  }
};

/// Also accepts arguments that match no constructor, so that the layer's static_asserts report the wrong argument.
template <class R, class N, class C, class X, class Path = NoSharedExpert, class Bal = BalanceOverAll>
TokenMoE(R, N, C, X, Path = {}, Bal = {}) -> TokenMoE<R, N, C, typename detail::ExpertIn<X>::Type, Path, Bal>;
/// From a routing module and experts.
template <class M, class X>
TokenMoE(M, ExpertBank<X>) -> TokenMoE<M, X>;
/// From a routing module, experts and a shared expert.
template <class M, class X, class Path>
TokenMoE(M, ExpertBank<X>, Path) -> TokenMoE<M, X, detail::OfRouting, detail::OfRouting, Path>;

}  // namespace moe
