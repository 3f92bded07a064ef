#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>
#include <utility>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/counted.hpp"
#include "moe/core/group_offsets.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/random.hpp"
#include "moe/core/require.hpp"
#include "moe/core/row_context.hpp"
#include "moe/routing/capacity/capacity.hpp"
#include "moe/routing/router/router.hpp"

namespace moe {

/// Experts selected by a router. chosen_RE: choice order, 0 where not selected. boundary_1E: for each expert, the score
/// that separates the rows that a MatrixRouter selected from the others; empty for row routers.
template <class Real, class B>
struct Choice {
  /// Choice order.
  Matrix<ChoiceOrder, B> chosen_RE;
  /// One boundary per expert, or empty.
  Matrix<Real, B> boundary_1E;
  /// Counts that follow from the router's rule before counting; unknown on the host, where a count needs no wait.
  ExpectedCounts expected{};
};

/// Counts that are known for `rows` rows before the router runs; `has_alike`: some of the rows are identical.
template <SingleRouter R>
ExpectedCounts expected_counts(const R& router, Index rows, Index experts, Index take, bool has_alike) {
  ExpectedCounts result;
  if constexpr (requires { requires R::fills_experts; }) {
    // The number of identical rows that an expert takes depends on their scores.
    if (has_alike) return result;
    result.pairs = experts * take;
    result.load.assign(static_cast<std::size_t>(experts), take);
  } else if constexpr (FixedChoiceCount<R>) {
    result.pairs = rows * static_cast<Index>(router.choices(experts));
    result.load.assign(static_cast<std::size_t>(experts), GroupOffsets::unknown);
    if constexpr (requires { router.chosen_by_all(); })
      if (const Index expert = router.chosen_by_all(); expert >= 0 && expert < experts)
        result.load[static_cast<std::size_t>(expert)] = rows;
  }
  return result;
}

/// The batch's information on the routed rows; for segments, only the random key.
struct RowInfo {
  /// Token id of each row, or empty.
  std::span<const std::int32_t> tokens{};
  /// Programming language of each row, as in Batch::languages, or empty.
  std::span<const std::int32_t> languages{};
  /// Random key of the step, if the batch has one.
  std::optional<StepKey> random{};

  /// The batch's information on its rows.
  static RowInfo of_rows(const Batch& batch) { return {batch.tokens, batch.languages, batch.random}; }
  /// The batch's information on its segments, whose random numbers differ from those of its rows.
  static RowInfo of_segments(const Batch& batch) {
    RowInfo facts{{}, {}, batch.random};
    if (facts.random) facts.random->seed ^= name_hash("segment");
    return facts;
  }
  /// The same in inference, where a batch without a key draws from StepKey{}.
  RowInfo in_inference() const { return {tokens, languages, random.value_or(StepKey{})}; }

  /// Random key of layer number `layer`. Throws Error, naming `part`, if the batch has no key.
  RandomKey stream(std::uint32_t layer, std::string_view part) const {
    require_random_key(random.has_value(), part);
    return random->of_layer(layer);
  }
};

/// logits_RE -> chosen_RE by a router that reads only logits.
template <class Real, Backend B, PlainRowRouter R>
void choose_by_logits(const typename B::Context& context, const R& router, View<const Real, B> logits_RE,
                      View<ChoiceOrder, B> chosen_RE) {
  B::for_each(context, logits_RE.rows,
              [=] MOE_ON_DEVICE(Index r) { router.choose(logits_RE.row(r), chosen_RE.row(r)); });
}

/// The same by a router that a team of threads can run on one row.
template <class Real, Backend B, TeamRowRouter<typename B::Team> R>
void choose_by_logits(const typename B::Context& context, const R& router, View<const Real, B> logits_RE,
                      View<ChoiceOrder, B> chosen_RE) {
  B::for_each_row(context, logits_RE.rows, [=] MOE_ON_DEVICE(Index r, typename B::Team team) {
    router.choose(logits_RE.row(r), chosen_RE.row(r), team);
  });
}

/// The same by a router that takes the row's context. Throws Error if the batch lacks the token ids or the random key
/// that the router needs.
template <class Real, Backend B, ContextRowRouter R>
void choose_in_context(const typename B::Context& context, const R& router, View<const Real, B> logits_RE,
                       View<const Real, B> buffer_1E, RowInfo facts, View<ChoiceOrder, B> chosen_RE) {
  if constexpr (requires { requires R::needs_tokens; })
    require(logits_RE.rows == 0 || !facts.tokens.empty(), "route",
            "the router chooses by token ids, the batch has none for its ", counted(logits_RE.rows, "rows"));
  const auto on_backend = [&](std::span<const std::int32_t> values) {
    Matrix<std::int32_t, B> result;
    if (!values.empty()) result = Matrix<std::int32_t, B>::uninitialized(context, 1, logits_RE.rows);
    if (!values.empty()) B::upload(context, values.data(), result.view());
    return result;
  };
  const RandomKey random = draws(router) ? facts.stream(context.layer, "the router") : RandomKey{};
  const auto tokens_1R = on_backend(facts.tokens), languages_1R = on_backend(facts.languages);
  // Only a RandomRowRouter has access to the key.
  using Asked = std::conditional_t<RandomRowRouter<R>, RandomRowContext<Real>, RowContext<Real>>;
  B::for_each(
      context, logits_RE.rows, [=, tokens = tokens_1R.data(), languages = languages_1R.data()] MOE_ON_DEVICE(Index r) {
        const RandomRowContext<Real> row{
            {r, tokens ? tokens[r] : -1, languages ? languages[r] : -1, {buffer_1E.data, buffer_1E.cols}}, random};
        router.choose(logits_RE.row(r), chosen_RE.row(r), static_cast<const Asked&>(row));
      });
}

/// logits_RE -> chosen_RE. buffer_1E is the layer's buffer for its router, empty if it has none; identical_1R as in
/// RowsContext.
template <class Real, Backend B, SingleRouter R, Capacity C>
Choice<Real, B> route(const typename B::Context& context, const R& router, const C& capacity,
                      View<const Real, B> logits_RE, View<const Real, B> buffer_1E, RowInfo facts,
                      [[maybe_unused]] View<const Index, B> identical_1R = {}) {
  Choice<Real, B> choice;
  choice.chosen_RE = Matrix<ChoiceOrder, B>::uninitialized(context, logits_RE.rows, logits_RE.cols);
  const auto chosen_RE = choice.chosen_RE.view();
  [[maybe_unused]] Index take = 0;
  if constexpr (MatrixRouter<R>) {
    choice.boundary_1E = Matrix<Real, B>::uninitialized(context, 1, logits_RE.cols);
    const Index wanted = capacity.rows_per_expert({logits_RE.rows, logits_RE.cols, logits_RE.rows});
    take = std::clamp(wanted, Index{0}, logits_RE.rows);
    if constexpr (ContextMatrixRouter<R>) {
      RowsContext<B> rows{identical_1R, {}};
      if (facts.random) rows.key = facts.random->of_layer(context.layer);
      router.template choose<B, Real>(context, logits_RE, take, chosen_RE, choice.boundary_1E.view(), rows);
    } else {
      router.template choose<B, Real>(context, logits_RE, take, chosen_RE, choice.boundary_1E.view());
    }
  } else if constexpr (ContextRowRouter<R>) {
    choose_in_context<Real, B>(context, router, logits_RE, buffer_1E, facts, chosen_RE);
  } else {
    choose_by_logits<Real, B>(context, router, logits_RE, chosen_RE);
  }
  if constexpr (!B::is_host)
    choice.expected = expected_counts(router, logits_RE.rows, logits_RE.cols, take, !identical_1R.empty());
  return choice;
}

}  // namespace moe
