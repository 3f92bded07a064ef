#include "moe/routing/steps/deferred_loss.hpp"

#include <utility>

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"

namespace deferred_loss_test {

using namespace moe;

namespace {

const CpuContext context{.threads = 1};
using Loss = DeferredLoss<float, Cpu<>>;

Loss loss_of(const Matrix<float, Cpu<>>& sums_1N) {
  return Loss(context, Cpu<>::download_async(context, sums_1N.view()), sums_1N.cols(),
              [](Index i) { return 0.5 + static_cast<double>(i); });
}

}  // namespace

TEST_CASE("a deferred loss is its sums times their weights", "[ops]") {
  Matrix<float, Cpu<>> sums(1, 3);
  for (Index i = 0; i < 3; ++i) sums.data()[i] = static_cast<float>(10 * (i + 1));
  const Loss loss = loss_of(sums);
  CHECK(loss == 0.5 * 10 + 1.5 * 20 + 2.5 * 30);
  // A second read gives the same value.
  CHECK(loss == 110);
}

TEST_CASE("a deferred loss keeps the sums as they were at its construction", "[ops]") {
  Matrix<float, Cpu<>> sums(1, 1);
  sums.data()[0] = 4;
  Loss loss = loss_of(sums);
  sums.data()[0] = 1000;
  CHECK(loss == 2);
  const Loss moved = std::move(loss);
  CHECK(moved == 2);
}

TEST_CASE("a loss without sums is 0", "[ops]") {
  CHECK(Loss() == 0);
  CHECK(loss_of(Matrix<float, Cpu<>>(1, 0)) == 0);
}

}  // namespace deferred_loss_test
