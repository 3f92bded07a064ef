// error: no matching
// constraint: BackendOnHost
#include <Eigen/Core>

#include "moe/backend/shape/shape.hpp"
#include "moe/core/view.hpp"

using Rows = Eigen::Matrix<float, 4, 8, Eigen::RowMajor>;

void call(const Rows& x) { const moe::View<const float, moe::Shape> x_TD(x); }
