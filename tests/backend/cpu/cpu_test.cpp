#include "moe/backend/cpu/cpu.hpp"

#include "moe/backend/contract/checked.hpp"
#include "moe/backend/cpu/eigen_gemm.hpp"
#include "support/catch.hpp"

namespace cpu_test {

using namespace moe;

static_assert(ComputingBackend<Cpu<>, float> && ComputingBackend<Cpu<EigenGemm>, double>);
static_assert(ComputingBackend<Cpu<>, BFloat16>);

namespace {

/// The CPU's operations, one of them overridden.
struct Counting : cpu::Operations<Counting> {
  static inline int calls = 0;
  template <class F>
  static void for_each(const Context& context, Index count, const F& f) {
    ++calls;
    cpu::ElementwiseOperations<Counting>::for_each(context, count, f);
  }
};
static_assert(check_backend<Counting, float>());

}  // namespace

TEST_CASE("the other families of operations call an overridden operation", "[cpu]") {
  Counting::calls = 0;
  const Counting::Context context{.threads = 1};
  Matrix<float, Counting> x(3, 2), w(4, 2), y(3, 4);
  x.view()(1, 0) = 2, w.view()(3, 0) = 5;
  Counting::row_products(context, x.const_view(), w, y.view());
  CHECK(Counting::calls == 1);
  CHECK(y.view()(1, 3) == 10);
}

}  // namespace cpu_test
