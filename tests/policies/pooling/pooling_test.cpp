#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/concepts/pooling.hpp"
#include "moe/policies/pooling/max_pool.hpp"
#include "moe/policies/pooling/mean_pool.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};
static_assert(Pooling<MeanPool> && Pooling<MaxPool>);
const std::vector<Index> begin = {0, 3, 4, 9};

template <class Pool>
auto run(const Tensor& x_TD) {
  Tensor u_VD(3, x_TD.cols());
  auto saved = Pool::template forward<double, B>(context, x_TD.view(), begin, u_VD.view());
  return std::pair(std::move(u_VD), std::move(saved));
}

}  // namespace

TEST_CASE("MaxPool takes each channel's largest value and tells the first row that has it", "[policies]") {
  Tensor x(9, 2);
  const std::vector<double> values = {1, 5, 3, 5, 2, -1, -7, -7, 0, 0, 4, 0, 4, -1, 3, 0, 1, 2};
  std::copy(values.begin(), values.end(), x.data());
  const auto [u, saved] = run<MaxPool>(x);
  CHECK(values_of(u) == std::vector<double>{3, 5, -7, -7, 4, 2});
  CHECK(std::vector<Index>(saved.row_VD.data(), saved.row_VD.data() + 6) == std::vector<Index>{1, 0, 3, 3, 5, 8});
}

TEMPLATE_TEST_CASE("a pool's gradient is that of central differences, and adds", "[policies][gradient]", MeanPool,
                   MaxPool) {
  Draw draw("pool");
  auto x = random_matrix<double, B>(draw, 9, 4);
  const auto c = random_matrix<double, B>(draw, 3, 4);
  auto d_x = random_matrix<double, B>(draw, 9, 4);
  const auto before = d_x.copy();
  const auto [u, saved] = run<TestType>(x);
  TestType::template add_backward<double, B>(context, c.view(), begin, saved, d_x.view());
  for (Index i = 0; i < d_x.size(); ++i) d_x.data()[i] -= before.data()[i];
  check_component_gradients(
      "x", x, d_x, [&] { return inner(c, run<TestType>(x).first); }, component_bar);
}

TEMPLATE_TEST_CASE("row by row a pool gives the same bits", "[policies]", MeanPool, MaxPool) {
  Draw draw("pool by row");
  const auto x = random_matrix<double, B>(draw, 9, 4);
  const auto u = run<TestType>(x).first;
  for (Index v = 0; v < 3; ++v)
    for (Index d = 0; d < 4; ++d) {
      double so_far = 0;
      const Index first = begin[static_cast<std::size_t>(v)], last = begin[static_cast<std::size_t>(v) + 1];
      for (Index t = first; t < last; ++t) so_far = TestType::absorbed(so_far, x.view()(t, d), t - first);
      CHECK(TestType::finished(so_far, last - first) == u.view()(v, d));
    }
}
