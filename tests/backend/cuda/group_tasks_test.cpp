#include "moe/backend/cuda/group_tasks.cuh"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"

using namespace moe;

namespace {

using Task = gpu::Gemm<float, float>;

/// y = x w^T for `rows` rows of group g, whose matrices lie one after the other.
Task task_of(const float* x, const float* w, float* y, Index g, Index rows = 5) {
  const View<const float, Cpu<>> x_ND(x + g * rows * 4, rows, 4), w_FD(w + g * 12, 3, 4);
  return gpu::gemm_of<Product::right_transposed>(x_ND, w_FD, View<float, Cpu<>>(y + g * rows * 3, rows, 3), false);
}

}  // namespace

TEST_CASE("a row-major product is cuBLAS's product of the transposed", "[accelerator]") {
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

TEST_CASE("groups of equal rows whose weights lie evenly are one batch", "[accelerator]") {
  std::vector<float> x(200), w(100), y(200);
  Task all = task_of(x.data(), w.data(), y.data(), 0);
  for (Index g = 1; g < 4; ++g) CHECK(gpu::joins_batch(all, task_of(x.data(), w.data(), y.data(), g)));
  CHECK(all.batch == 4);
  // As cuBLAS counts, the weights come first.
  CHECK(std::vector<Index>{all.stride_a, all.stride_b, all.stride_c} == std::vector<Index>{12, 20, 15});
}

TEST_CASE("what differs in shape, direction or distance is no part of a batch", "[accelerator]") {
  std::vector<float> x(200), w(100), y(200);
  const Task first = task_of(x.data(), w.data(), y.data(), 0);
  const auto joins = [&](Task all, const Task& next) { return gpu::joins_batch(all, next); };
  CHECK(!joins(first, task_of(x.data(), w.data(), y.data(), 1, 6)));
  Task adds = task_of(x.data(), w.data(), y.data(), 1);
  adds.adds = true;
  CHECK(!joins(first, adds));
  // The second weight lies before the first.
  CHECK(!joins(task_of(x.data(), w.data() + 24, y.data(), 0), task_of(x.data(), w.data(), y.data(), 1)));
  // A third one that is further away than the second was.
  Task two = first;
  REQUIRE(gpu::joins_batch(two, task_of(x.data(), w.data(), y.data(), 1)));
  CHECK(!joins(two, task_of(x.data(), w.data() + 1, y.data(), 2)));
  CHECK(two.batch == 2);
}
