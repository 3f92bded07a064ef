#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/matrix.hpp"
#include "moe/routing/normalizer/gate_normalizer.hpp"

namespace moe {

namespace detail {

template <class Real, Backend B, GateNormalizer N>
void normalize_rows(const typename B::Context& context, const N& normalizer, View<const Real, B> logits_RE,
                    View<const ChoiceOrder, B> chosen_RE, View<Real, B> gates_RE) {
  B::for_each(context, logits_RE.rows, [=] MOE_ON_DEVICE(Index r) {
    normalizer.normalize(logits_RE.row(r), chosen_RE.row(r), gates_RE.row(r));
  });
}
template <class Real, Backend B, TeamNormalizer<typename B::Team> N>
void normalize_rows(const typename B::Context& context, const N& normalizer, View<const Real, B> logits_RE,
                    View<const ChoiceOrder, B> chosen_RE, View<Real, B> gates_RE) {
  B::for_each_row(context, logits_RE.rows, [=] MOE_ON_DEVICE(Index r, typename B::Team team) {
    normalizer.normalize(logits_RE.row(r), chosen_RE.row(r), gates_RE.row(r), team);
  });
}
template <class Real, Backend B, GateNormalizer N>
void normalize_rows_backward(const typename B::Context& context, const N& normalizer, View<const Real, B> logits_RE,
                             View<const ChoiceOrder, B> chosen_RE, View<const Real, B> gates_RE,
                             View<const Real, B> d_gates_RE, View<Real, B> d_logits_RE) {
  B::for_each(context, logits_RE.rows, [=] MOE_ON_DEVICE(Index r) {
    normalizer.backward(logits_RE.row(r), chosen_RE.row(r), gates_RE.row(r), d_gates_RE.row(r), d_logits_RE.row(r));
  });
}
template <class Real, Backend B, TeamNormalizer<typename B::Team> N>
void normalize_rows_backward(const typename B::Context& context, const N& normalizer, View<const Real, B> logits_RE,
                             View<const ChoiceOrder, B> chosen_RE, View<const Real, B> gates_RE,
                             View<const Real, B> d_gates_RE, View<Real, B> d_logits_RE) {
  B::for_each_row(context, logits_RE.rows, [=] MOE_ON_DEVICE(Index r, typename B::Team team) {
    normalizer.backward(logits_RE.row(r), chosen_RE.row(r), gates_RE.row(r), d_gates_RE.row(r), d_logits_RE.row(r),
                        team);
  });
}

}  // namespace detail

/// logits_RE, chosen_RE -> gates_RE, 0 for experts not selected.
template <class Real, Backend B, GateNormalizer N>
Matrix<Real, B> normalize(const typename B::Context& context, const N& normalizer, View<const Real, B> logits_RE,
                          View<const ChoiceOrder, B> chosen_RE) {
  auto gates = Matrix<Real, B>::uninitialized(context, logits_RE.rows, logits_RE.cols);
  detail::normalize_rows<Real, B>(context, normalizer, logits_RE, chosen_RE, gates.view());
  return gates;
}

/// d_gates_RE -> d_logits_RE.
template <class Real, Backend B, GateNormalizer N>
Matrix<Real, B> normalize_backward(const typename B::Context& context, const N& normalizer,
                                   View<const Real, B> logits_RE, View<const ChoiceOrder, B> chosen_RE,
                                   View<const Real, B> gates_RE, View<const Real, B> d_gates_RE) {
  auto d_logits = Matrix<Real, B>::uninitialized(context, logits_RE.rows, logits_RE.cols);
  detail::normalize_rows_backward<Real, B>(context, normalizer, logits_RE, chosen_RE, gates_RE, d_gates_RE,
                                           d_logits.view());
  return d_logits;
}

}  // namespace moe
