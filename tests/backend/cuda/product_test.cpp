#include "moe/backend/cuda/product.cuh"

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"

namespace product_test {

using namespace moe;

TEST_CASE("a row-major product is passed to cuBLAS as the product of the transposed matrices", "[accelerator]") {
  std::vector<float> a(6 * 8), b(7 * 8), c(6 * 7);
  const View<const float, Cpu<>> a_MK(a.data(), 6, 5, 8), b_NK(b.data(), 7, 5, 8);
  const auto task = gpu::gemm_of<Product::right_transposed>(a_MK, b_NK, View<float, Cpu<>>(c.data(), 6, 7), true);
  CHECK(task.transpose_a);
  CHECK(!task.transpose_b);
  CHECK(std::vector<Index>{task.m, task.n, task.k} == std::vector<Index>{7, 6, 5});
  CHECK(task.a == b.data());
  CHECK(task.b == a.data());
  CHECK(std::vector<Index>{task.lda, task.ldb, task.ldc} == std::vector<Index>{8, 8, 7});
  CHECK(task.adds);
}

TEST_CASE("leading dimensions for cuBLAS are at least 1, even if the inner dimension is 0", "[accelerator]") {
  const View<const float, Cpu<>> nothing(nullptr, 3, 0);
  float c[9];
  const auto task = gpu::gemm_of<Product::right_transposed>(nothing, nothing, View<float, Cpu<>>(c, 3, 3), false);
  CHECK(task.k == 0);
  CHECK(std::vector<Index>{task.lda, task.ldb, task.ldc} == std::vector<Index>{1, 1, 3});
}

}  // namespace product_test
