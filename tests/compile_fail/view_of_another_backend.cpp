// error: View: the matrix lies in the memory of another backend
#include "moe/backend/contract/archetype.hpp"
#include "moe/backend/shape/shape.hpp"
#include "moe/core/matrix.hpp"

using namespace moe;

void read(View<const float, Shape> x_TD);

void call(const Matrix<float, archetype::Backend>& x_TD) { read(x_TD); }
