#include "moe/routing/steps/jitter.hpp"

#include <algorithm>

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace jitter_test {

using namespace moe;
using namespace moe::testing;

namespace {
using B = Cpu<>;
const CpuContext context{.threads = 2};
}  // namespace

TEST_CASE("jitter multiplies by numbers around 1 that depend on key and position", "[ops]") {
  Matrix<double, B> ones(50, 42);
  std::fill_n(ones.data(), ones.size(), 1.0);
  const auto x = ones.const_view();
  const auto u = jittered<double, B>(context, x, 0.25, {.seed = 3});
  const auto [least, most] = std::minmax_element(u.data(), u.data() + u.size());
  CHECK(*least >= 0.75);
  CHECK(*least < 0.76);
  CHECK(*most <= 1.25);
  CHECK(*most > 1.24);
  double sum = 0;
  for (Index i = 0; i < u.size(); ++i) sum += u.data()[i];
  // The mean's deviation is 0.25 / sqrt(3 * 2100) = 0.0031.
  CHECK(std::abs(sum / 2100 - 1) < 0.013);
  CHECK(same_bits(u, jittered<double, B>({.threads = 1}, x, 0.25, {.seed = 3})));
  CHECK_FALSE(same_bits(u, jittered<double, B>(context, x, 0.25, {.seed = 4})));
  CHECK(same_bits(jittered<double, B>(context, x, 0, {.seed = 3}), ones));
}

TEST_CASE("jitter's backward multiplies by the same numbers and adds", "[ops]") {
  Draw draw("jitter");
  const auto x = random_matrix<double, B>(draw, 7, 5), d = random_matrix<double, B>(draw, 7, 5);
  auto d_x = random_matrix<double, B>(draw, 7, 5);
  const auto before = d_x.copy();
  const auto y = jittered<double, B>(context, x.view(), 0.1, {.seed = 9});
  add_jittered_backward<double, B>(context, d.view(), 0.1, {.seed = 9}, d_x.view());
  for (Index i = 0; i < x.size(); ++i)
    CHECK(d_x.data()[i] - before.data()[i] == Catch::Approx(d.data()[i] * y.data()[i] / x.data()[i]).epsilon(1e-12));
}

}  // namespace jitter_test
