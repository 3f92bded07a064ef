// error: Cpu<Gemm>: the Gemm must have add<product, Real>(a, b, c), which adds op(a) op(b) to c
#include "moe/backend/cpu/cpu.hpp"

using namespace moe;

struct Stranger {};
using Mine = Cpu<Stranger>;

void call(const Mine::Context& context, View<const float, Mine> x_ND, View<const float, Mine> w_FD,
          View<float, Mine> y_NF) {
  Mine::grouped_product(context, x_ND, {w_FD}, {0, x_ND.rows}, y_NF);
}
