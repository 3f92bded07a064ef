#include "compiled_layers/compiled_layers.hpp"

template class Eigen::BDCSVD<Eigen::MatrixXd>;
