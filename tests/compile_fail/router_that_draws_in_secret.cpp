// error: no member named
#include "parts.hpp"

#include "moe/core/row_context.hpp"

using namespace moe;

/// A RowContext has no random key: a router that draws random numbers must take a RandomRowContext, which shows that it
/// draws.
struct Secret {
  template <class Real>
  void choose(Row<const Real>, Row<ChoiceOrder> chosen_E, RowContext<Real> row) const {
    chosen_E[0] = random_uniform(row.random, 0) < 0.5;
  }
};
template void Secret::choose<float>(Row<const float>, Row<ChoiceOrder>, RowContext<float>) const;
