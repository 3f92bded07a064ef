// error: Backend: row_products(context, x_RD, w_ED, y_RE) is missing or has another signature, see
// moe/backend/contract/gemm.hpp
#include "moe/backend/cpu/cpu.hpp"

using namespace moe;

struct Mine : cpu::Operations<Mine> {
  /// Takes floats only, but check_backend also checks layers in double.
  static void row_products(const Context& context, View<const float, Mine> x_RD, View<const float, Mine> w_ED,
                           View<float, Mine> y_RE) {
    cpu::GemmOperations<Mine, TileGemm>::row_products(context, x_RD, w_ED, y_RE);
  }
};

static_assert(check_backend<Mine, float, double>());
