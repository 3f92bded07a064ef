#pragma once

#include "moe/concepts/backend.hpp"
#include "moe/concepts/gate_normalizer.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// logits_RE, chosen_RE -> gates_RE, 0 for experts not chosen.
template <class Real, Backend B, GateNormalizer N>
Matrix<Real, B> normalize(const typename B::Context& context, const N& normalizer, View<const Real, B> logits_RE,
                          View<const Rank, B> chosen_RE) {
  auto gates = Matrix<Real, B>::uninitialized(context, logits_RE.rows, logits_RE.cols);
  B::for_each(context, logits_RE.rows, [=, gates_RE = gates.view()] MOE_ON_DEVICE(Index r) {
    normalizer.normalize(logits_RE.row(r), chosen_RE.row(r), gates_RE.row(r));
  });
  return gates;
}

/// d_gates_RE -> d_logits_RE.
template <class Real, Backend B, GateNormalizer N>
Matrix<Real, B> normalize_back(const typename B::Context& context, const N& normalizer, View<const Real, B> logits_RE,
                               View<const Rank, B> chosen_RE, View<const Real, B> gates_RE,
                               View<const Real, B> d_gates_RE) {
  auto d_logits = Matrix<Real, B>::uninitialized(context, logits_RE.rows, logits_RE.cols);
  B::for_each(context, logits_RE.rows, [=, d_logits_RE = d_logits.view()] MOE_ON_DEVICE(Index r) {
    normalizer.backward(logits_RE.row(r), chosen_RE.row(r), gates_RE.row(r), d_gates_RE.row(r), d_logits_RE.row(r));
  });
  return d_logits;
}

}  // namespace moe
