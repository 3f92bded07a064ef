// error: Matrix: a copy is spelled .copy(), a move std::move(matrix)
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

void twice() {
  Matrix<float, Shape> a(2, 3);
  Matrix<float, Shape> b = a;
}
