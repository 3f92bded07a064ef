// error: Cpu<Gemm>: layers of moe::BFloat16 need Gemm = moe::TileGemm, whose products sum in float
#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/cpu/eigen_gemm.hpp"
#include "moe/ops/linear.hpp"

using namespace moe;

using B = Cpu<EigenGemm>;

Matrix<BFloat16, B> run(const Linear<BFloat16, B>& layer, View<const BFloat16, B> x_TD) {
  return layer.forward(B::Context{}, x_TD);
}
