// error: View: an Eigen expression has no memory to look at; assign it to a row-major matrix that outlives the view
#include <Eigen/Core>

#include "moe/backend/contract/archetype.hpp"
#include "moe/core/view.hpp"

void read(moe::View<const float, moe::archetype::Backend> x_TD);

void call() {
  const Eigen::Matrix<float, 4, 8, Eigen::RowMajor> x;
  read(x + x);
}
