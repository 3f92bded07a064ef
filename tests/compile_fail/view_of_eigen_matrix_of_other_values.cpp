// error: View: the matrix's values have another type than the view's, or are const where they are written
#include <Eigen/Core>

#include "moe/backend/contract/archetype.hpp"
#include "moe/core/view.hpp"

void read(moe::View<const float, moe::archetype::Backend> x_TD);

void call() {
  const Eigen::Matrix<double, 4, 8, Eigen::RowMajor> x;
  read(x);
}
