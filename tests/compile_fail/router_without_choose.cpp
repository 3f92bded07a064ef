// error: TokenMoE: 1st argument must be a Router: choose(Row<const Real>, Row<ChoiceOrder>) const
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

struct Router_ {
  template <class Real>
  void pick(Row<const Real>, Row<ChoiceOrder>) const {}
};

TokenMoE layer(Router_{}, SoftmaxOverChosen{}, Unlimited{}, Bank(6, 8, 16));
