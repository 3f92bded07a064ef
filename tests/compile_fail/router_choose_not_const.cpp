// error: TokenMoE: 1st argument must be a Router: choose(Row<const Real>, Row<ChoiceOrder>) const
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

struct Router_ {
  template <class Real>
  void choose(Row<const Real>, Row<ChoiceOrder> chosen_E) {
    chosen_E[calls++ % chosen_E.size] = 1;
  }
  Index calls = 0;
};

TokenMoE layer(Router_{}, SoftmaxOverChosen{}, Unlimited{}, Bank(6, 8, 16));
