// error: no matching
// constraint: HasValuesOf
#include <Eigen/Core>

#include "moe/backend/contract/archetype.hpp"
#include "moe/core/view.hpp"

void call(const Eigen::Matrix<double, 4, 8, Eigen::RowMajor>& x) {
  const moe::View<const float, moe::archetype::Backend> x_TD(x);
}
