#pragma once

#include "moe/backend/contract/archetype.hpp"
#include "moe/core/row_context.hpp"
#include "moe/core/team.hpp"
#include "moe/core/train_infer.hpp"
#include "moe/core/view.hpp"

namespace moe {

/// Says who works on one row: `choose(logits_E, chosen_E)` writes 0 for every expert not chosen and the order of
/// choice, from 1, for the others.
template <class R>
concept PlainRowRouter = requires(const R& router, Row<const float> logits_E, Row<ChoiceOrder> chosen_E) {
  router.choose(logits_E, chosen_E);
};

/// A plain row router that threads can share: `choose(logits_E, chosen_E, team)` is asked by each of the team.
template <class R, class Team>
concept TeamRowRouter = PlainRowRouter<R> && RowTeam<Team> &&
    requires(const R& router, Row<const float> logits_E, Row<ChoiceOrder> chosen_E, Team team) {
  router.choose(logits_E, chosen_E, team);
};

/// A row router that also asks for the row's index, token, language, random key or the layer's buffer.
template <class R>
concept ContextRowRouter = requires(const R& router, Row<const float> logits_E, Row<ChoiceOrder> chosen_E,
                                    RandomRowContext<float> row) {
  router.choose(logits_E, chosen_E, row);
};

/// A row router that is content with a row's index, token, language and the layer's buffer.
template <class R>
concept DeterministicRowRouter = requires(const R& router, Row<const float> logits_E, Row<ChoiceOrder> chosen_E,
                                          RowContext<float> row) {
  router.choose(logits_E, chosen_E, row);
};

/// A row router that draws random numbers: it asks for a RandomRowContext, the only one that has a key.
template <class R>
concept RandomRowRouter = ContextRowRouter<R> && !DeterministicRowRouter<R>;

/// Whether a router, as it is set, draws random numbers: a RandomRowRouter, unless its `bool draws() const` says that
/// these settings leave nothing to chance.
template <class R>
bool draws(const R& router) {
  if constexpr (!RandomRowRouter<R>)
    return false;
  else if constexpr (requires { router.draws(); })
    return router.draws();
  else
    return true;
}

/// A row router that knows before it chooses how many of `experts` each row will get, whatever the logits are, NaN
/// included: devices count on its word before they have counted. It may also say `chosen_by_all()`, the expert that
/// every row chooses.
template <class R>
concept FixedChoiceCount = requires(const R& router, Index experts) {
  { router.choices(experts) } -> std::convertible_to<Index>;
};

/// Sees one row at a time.
template <class R>
concept RowRouter = PlainRowRouter<R> || ContextRowRouter<R>;

/// Says who works on every row at once: rows compete. `take` is the number of rows an expert gets (the capacity's
/// word); `boundary_1E` receives, for each expert, the score that separates the chosen rows from the others.
template <class R>
concept PlainMatrixRouter = requires(const R& router, const archetype::Backend::Context& context,
                                     View<const float, archetype::Backend> logits_RE, Index take,
                                     View<ChoiceOrder, archetype::Backend> chosen_RE,
                                     View<float, archetype::Backend> boundary_1E) {
  router.template choose<archetype::Backend, float>(context, logits_RE, take, chosen_RE, boundary_1E);
};

/// One that also asks for a RowsContext, as its last argument.
template <class R>
concept ContextMatrixRouter = requires(const R& router, const archetype::Backend::Context& context,
                                       View<const float, archetype::Backend> logits_RE, Index take,
                                       View<ChoiceOrder, archetype::Backend> chosen_RE,
                                       View<float, archetype::Backend> boundary_1E,
                                       RowsContext<archetype::Backend> rows) {
  router.template choose<archetype::Backend, float>(context, logits_RE, take, chosen_RE, boundary_1E, rows);
};

/// Sees all rows.
template <class R>
concept MatrixRouter = PlainMatrixRouter<R> || ContextMatrixRouter<R>;

/// A matrix router whose experts take as many rows as the capacity says; others say `static constexpr bool
/// ignores_capacity = true`.
template <class R>
concept UsesCapacity = MatrixRouter<R> && !requires {
  requires R::ignores_capacity;
};

/// A router that needs what the batch says of single rows: `needs_tokens` or `needs_languages` is true.
template <class R>
concept NeedsRowInfo = requires {
  requires R::needs_tokens;
}
|| requires { requires R::needs_languages; };

/// A router that says which expert every row chooses.
template <class R>
concept NamesShared = requires(const R& router) {
  { router.chosen_by_all() } -> std::convertible_to<Index>;
};

/// One router, for training, inference or both.
template <class R>
concept SingleRouter = RowRouter<R> || MatrixRouter<R>;

/// A router, or TrainInfer of two over the same gate.
template <class R>
concept Router = SingleRouter<typename FormsOf<R>::Train> && SingleRouter<typename FormsOf<R>::Infer>;

/// A router whose inference form compares scores with thresholds that training feeds: it says how one update moves a
/// threshold. The layer keeps the thresholds as a buffer.
template <class R>
concept LearnsThresholds = requires(const R& router, float threshold, float observed) {
  { router.updated(threshold, observed) } -> std::convertible_to<float>;
};

/// A router that adds a bias to each expert's score and says where it moves after a step, from the rows that the expert
/// and all experts on average were chosen by. The layer keeps the biases as a buffer; they start at 0.
template <class R>
concept LearnsBiases = requires(const R& router, double bias, double load, double mean) {
  { router.updated_bias(bias, load, mean) } -> std::convertible_to<double>;
};

/// A row's choice under this router depends on no later row. True of every row router, since it sees one row alone.
template <class R>
inline constexpr bool router_is_causal = RowRouter<typename FormsOf<R>::Infer>;
namespace detail {
template <class R>
inline constexpr bool claims_batch_invariance = false;
template <class R>
requires requires { requires R::is_batch_invariant; }
inline constexpr bool claims_batch_invariance<R> = true;
}  // namespace detail

/// A row's choice under this router depends on no other row. A router that asks for RowContext may use the row's place
/// in the batch, so it has to say `static constexpr bool is_batch_invariant = true`.
template <class R>
inline constexpr bool router_is_batch_invariant =
    PlainRowRouter<typename FormsOf<R>::Infer> || detail::claims_batch_invariance<typename FormsOf<R>::Infer>;

}  // namespace moe
