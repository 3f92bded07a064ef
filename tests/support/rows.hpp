/// Rows from plain vectors, for tests of policies; needs no backend.
#pragma once

#include <vector>

#include "moe/core/row.hpp"

namespace moe::testing {

template <class Real>
Row<const Real> row(const std::vector<Real>& values) {
  return {values.data(), static_cast<Index>(values.size())};
}
template <class Real>
Row<Real> row(std::vector<Real>& values) {
  return {values.data(), static_cast<Index>(values.size())};
}

template <class Router, class Real>
std::vector<ChoiceOrder> choose(const Router& router, const std::vector<Real>& logits_E) {
  // Nonzero initial values: a router must write every entry.
  std::vector<ChoiceOrder> chosen_E(logits_E.size(), 99);
  router.choose(row(logits_E), row(chosen_E));
  return chosen_E;
}

template <class Normalizer, class Real>
std::vector<Real> normalize(const Normalizer& normalizer, const std::vector<Real>& logits_E,
                            const std::vector<ChoiceOrder>& chosen_E) {
  std::vector<Real> gates_E(logits_E.size(), Real(99));
  normalizer.normalize(row(logits_E), row(chosen_E), row(gates_E));
  return gates_E;
}

}  // namespace moe::testing
