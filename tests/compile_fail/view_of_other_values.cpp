// error: View: the matrix's values have another type than the view's
#include "moe/backend/shape/shape.hpp"
#include "moe/core/matrix.hpp"

using namespace moe;

void read(View<const float, Shape> x_TD);

void call(const Matrix<double, Shape>& x_TD) { read(x_TD); }
