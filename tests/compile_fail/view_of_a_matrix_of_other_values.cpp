// error: no matching
// constraint: HasValuesOf
#include "moe/backend/contract/archetype.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/view.hpp"

using Backend = moe::archetype::Backend;
void call(const moe::Matrix<double, Backend>& x) { const moe::View<const float, Backend> x_TD(x); }
