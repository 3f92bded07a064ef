/// The accelerator's independent products on the emulated device.
#include "moe/backend/cuda/independent_products.cuh"

#include "backend/cuda/on_device.hpp"
#include "support/catch.hpp"
#include "support/check_products.hpp"
#include "support/emulated_device.hpp"

namespace independent_products_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

using A = Emulated;

}  // namespace

TEST_CASE("independent products of the accelerator are those of plain loops", "[accelerator]") {
  CHECK(worst_products<double, double, A>(context()) <= 1);
  CHECK(worst_products<float, float, A>(context()) <= 1);
  CHECK(worst_products<BFloat16, float, A>(context()) <= 1);
  CHECK(worst_products<BFloat16, BFloat16, A>(context()) <= 1);
}

TEST_CASE("neighboring products of one shape are one batch", "[accelerator]") {
  const A::Context own;
  const auto a = Matrix<float, A>::zeros(own, 4, 6);
  auto c = Matrix<float, A>::zeros(own, 4, 12);
  std::vector<ProductOf<float, float, A>> list;
  for (Index head = 0; head < 3; ++head)
    list.push_back({a.view().cols_between(2 * head, 2 * head + 2), a.view().cols_between(2 * head, 2 * head + 2),
                    c.view().cols_between(4 * head, 4 * head + 4)});
  A::products<Product::right_transposed, float>(own, list);
  CHECK(own.device->products == 3);
  CHECK(own.device->batches == 1);
  A::products<Product::right_transposed, float>(own, {});
  CHECK(own.device->products == 3);
  CHECK(own.device->waits == 0);
}

TEST_CASE("products that are not independent are an error on the emulated device", "[accelerator]") {
  const auto x = Matrix<float, A>::zeros(context(), 4, 4);
  auto y = Matrix<float, A>::zeros(context(), 4, 8);
  const auto first = y.view().cols_between(0, 4), last = y.view().cols_between(4, 8);
  const auto run = [&](std::vector<ProductOf<float, float, A>> list) {
    A::products<Product::plain, float>(context(), list);
  };
  const auto message = ContainsSubstring("an independent product writes what another one reads or writes");
  // Side by side in the same rows.
  CHECK_NOTHROW(run({{x.view(), x.view(), first}, {x.view(), x.view(), last}}));
  CHECK_THROWS_WITH(run({{x.view(), x.view(), first, true}, {x.view(), x.view(), first, true}}), message);
  CHECK_THROWS_WITH(run({{x.view(), x.view(), first}, {x.view(), x.view(), y.view().cols_between(3, 7)}}), message);
  CHECK_THROWS_WITH(run({{x.view(), x.view(), first}, {x.view(), first, last}}), message);
  // One row in common.
  CHECK_THROWS_WITH(run({{x.view(), x.view(), first},
                         {x.view().rows_between(0, 1), x.view(), y.view().rows_between(3, 4).cols_between(0, 4)}}),
                    message);
  // The device is usable after the error.
  CHECK_NOTHROW(run({{x.view(), x.view(), first}, {x.view(), x.view(), last}}));
}

}  // namespace independent_products_test
