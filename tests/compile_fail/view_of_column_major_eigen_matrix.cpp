// error: no matching
// constraint: HasContiguousRows
#include <Eigen/Core>

#include "moe/backend/contract/archetype.hpp"
#include "moe/core/view.hpp"

void call(const Eigen::MatrixXf& x) { const moe::View<const float, moe::archetype::Backend> x_TD(x); }
