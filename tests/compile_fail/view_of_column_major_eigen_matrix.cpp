// error: View: the matrix is column-major; the library reads rows, so use Eigen::RowMajor
#include <Eigen/Core>

#include "moe/backend/contract/archetype.hpp"
#include "moe/core/view.hpp"

void read(moe::View<const float, moe::archetype::Backend> x_TD);

void call() {
  const Eigen::MatrixXf x = Eigen::MatrixXf::Zero(4, 8);
  read(x);
}
