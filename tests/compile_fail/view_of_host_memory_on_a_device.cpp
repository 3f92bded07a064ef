// error: View: an Eigen matrix lies in host memory, the view is of another backend's
#include <Eigen/Core>

#include "moe/backend/shape/shape.hpp"
#include "moe/core/view.hpp"

using namespace moe;

void read(View<const float, Shape> x_TD);

void call(const Eigen::Matrix<float, 4, 8, Eigen::RowMajor>& x_TD) { read(x_TD); }
