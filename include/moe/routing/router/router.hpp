#pragma once

#include "moe/backend/contract/archetype.hpp"
#include "moe/core/row_context.hpp"
#include "moe/core/team.hpp"
#include "moe/core/train_infer.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// Selects the experts of one row: `choose(logits_E, chosen_E)` writes the choice order, 0 for every expert that is not
/// selected and 1, 2, ... for the others.
template <class R>
concept PlainRowRouter = requires(const R& router, Row<const float> logits_E, Row<ChoiceOrder> chosen_E) {
  router.choose(logits_E, chosen_E);
};

/// A plain row router that a team of threads can run on one row: each thread of the team calls
/// `choose(logits_E, chosen_E, team)`.
template <class R, class Team>
concept TeamRowRouter = PlainRowRouter<R> && RowTeam<Team> &&
    requires(const R& router, Row<const float> logits_E, Row<ChoiceOrder> chosen_E, Team team) {
  router.choose(logits_E, chosen_E, team);
};

/// A row router that also takes the row's index, token, language, random key or the layer's buffer.
template <class R>
concept ContextRowRouter = requires(const R& router, Row<const float> logits_E, Row<ChoiceOrder> chosen_E,
                                    RandomRowContext<float> row) {
  router.choose(logits_E, chosen_E, row);
};

/// A row router that takes the row's index, token, language and the layer's buffer, but no random key.
template <class R>
concept DeterministicRowRouter = requires(const R& router, Row<const float> logits_E, Row<ChoiceOrder> chosen_E,
                                          RowContext<float> row) {
  router.choose(logits_E, chosen_E, row);
};

/// A row router that draws random numbers: it takes a RandomRowContext, the only one that has a key.
template <class R>
concept RandomRowRouter = ContextRowRouter<R> && !DeterministicRowRouter<R>;

/// Whether a router with its current settings draws random numbers: a RandomRowRouter does, unless its
/// `bool draws() const` returns false.
template <class R>
bool draws(const R& router) {
  if constexpr (!RandomRowRouter<R>)
    return false;
  else if constexpr (requires { router.draws(); })
    return router.draws();
  else
    return true;
}

/// A row router with a fixed number of experts per row: `choices(experts)` is the number that each row selects of
/// `experts`, for all logits, NaN included. The GPU backend relies on it before the pairs are counted. The router may
/// also have `chosen_by_all()`, the expert that every row selects.
template <class R>
concept FixedChoiceCount = requires(const R& router, Index experts) {
  { router.choices(experts) } -> std::convertible_to<Index>;
};

/// A router that reads one row at a time.
template <class R>
concept RowRouter = PlainRowRouter<R> || ContextRowRouter<R>;

/// Selects the experts of all rows at once: rows compete. `take` is the number of rows per expert, from the capacity;
/// `boundary_1E` receives, for each expert, the score that separates the selected rows from the others, as top_rows
/// computes it (backend/contract/routing.hpp).
template <class R>
concept PlainMatrixRouter = requires(const R& router, const archetype::Backend::Context& context,
                                     View<const float, archetype::Backend> logits_RE, Index take,
                                     View<ChoiceOrder, archetype::Backend> chosen_RE,
                                     View<float, archetype::Backend> boundary_1E) {
  router.template choose<archetype::Backend, float>(context, logits_RE, take, chosen_RE, boundary_1E);
};

/// A matrix router that also takes a RowsContext, as its last argument.
template <class R>
concept ContextMatrixRouter = requires(const R& router, const archetype::Backend::Context& context,
                                       View<const float, archetype::Backend> logits_RE, Index take,
                                       View<ChoiceOrder, archetype::Backend> chosen_RE,
                                       View<float, archetype::Backend> boundary_1E,
                                       RowsContext<archetype::Backend> rows) {
  router.template choose<archetype::Backend, float>(context, logits_RE, take, chosen_RE, boundary_1E, rows);
};

/// A router that reads all rows at once.
template <class R>
concept MatrixRouter = PlainMatrixRouter<R> || ContextMatrixRouter<R>;

/// A matrix router whose experts take the number of rows that the capacity gives; other matrix routers declare
/// `static constexpr bool ignores_capacity = true`.
template <class R>
concept UsesCapacity = MatrixRouter<R> && !requires {
  requires R::ignores_capacity;
};

/// A router that needs the batch's information on single rows: `needs_tokens` or `needs_languages` is true.
template <class R>
concept NeedsRowInfo = requires {
  requires R::needs_tokens;
}
|| requires { requires R::needs_languages; };

/// A router that names the shared expert, which every row selects.
template <class R>
concept HasSharedExpert = requires(const R& router) {
  { router.chosen_by_all() } -> std::convertible_to<Index>;
};

/// One router, for training, inference or both.
template <class R>
concept SingleRouter = RowRouter<R> || MatrixRouter<R>;

/// A router, or TrainInfer of two over the same gate.
template <class R>
concept Router = SingleRouter<typename FormsOf<R>::Train> && SingleRouter<typename FormsOf<R>::Infer>;

/// A router whose inference form compares scores with thresholds: `updated(threshold, observed)` returns a threshold
/// after one update from a boundary that training observed. The layer stores the thresholds as a buffer.
template <class R>
concept LearnsThresholds = requires(const R& router, float threshold, float observed) {
  { router.updated(threshold, observed) } -> std::convertible_to<float>;
};

/// A router that adds a bias to each expert's score: `updated_bias(bias, load, mean)` returns the bias after one
/// update, from the load of the expert and the mean load of all experts (Gating::update_biases). The layer stores the
/// biases as a buffer; they start at 0.
template <class R>
concept LearnsBiases = requires(const R& router, double bias, double load, double mean) {
  { router.updated_bias(bias, load, mean) } -> std::convertible_to<double>;
};

/// Whether a row's selection depends on no later row. True for every row router, since it reads one row alone.
template <class R>
inline constexpr bool router_is_causal = RowRouter<typename FormsOf<R>::Infer>;
namespace detail {
template <class R>
inline constexpr bool claims_batch_invariance = false;
template <class R>
requires requires { requires R::is_batch_invariant; }
inline constexpr bool claims_batch_invariance<R> = true;
}  // namespace detail

/// Whether a row's selected experts depend on no other row (batch invariant). A router that takes a RowContext may use
/// the row's position in the batch, so it has to declare `static constexpr bool is_batch_invariant = true`.
template <class R>
inline constexpr bool router_is_batch_invariant =
    PlainRowRouter<typename FormsOf<R>::Infer> || detail::claims_batch_invariance<typename FormsOf<R>::Infer>;

}  // namespace moe
