// error: TokenMoE: 2nd argument must be a GateNormalizer: normalize(logits_E, chosen_E, gates_E) const and backward
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

struct Halves {
  template <class Real>
  void normalize(Row<const Real>, Row<const ChoiceOrder>, Row<Real> gates_E) const {
    for (Real& gate : gates_E) gate = Real(0.5);
  }
};

TokenMoE layer(TopK{.k = 2}, Halves{}, Unlimited{}, Bank(6, 8, 16));
