// error: no matching
// constraint: HasMemory
#include <Eigen/Core>

#include "moe/backend/contract/archetype.hpp"
#include "moe/core/view.hpp"

using Rows = Eigen::Matrix<float, 4, 8, Eigen::RowMajor>;

void call(const Rows& x) { const moe::View<const float, moe::archetype::Backend> x_TD(x + x); }
