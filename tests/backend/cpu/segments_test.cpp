#include "moe/backend/cpu/segments.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace segments_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Tensor = Matrix<double, B>;
const CpuContext context{.threads = 2};

}  // namespace

TEST_CASE("segment means and their gradients equal those of plain loops", "[cpu]") {
  Draw draw("means");
  const auto x = random_matrix<double, B>(draw, 6, 3);
  const std::vector<Index> begin = {0, 1, 4, 6};
  const View<const Index, B> begin_1V(begin.data(), 1, 4);
  Tensor mean(3, 3);
  B::segment_means(context, x.const_view(), begin_1V, mean.view());
  auto d_x = random_matrix<double, B>(draw, 6, 3);
  const auto before = d_x.copy();
  const auto d_mean = random_matrix<double, B>(draw, 3, 3);
  B::add_segment_means_backward(context, d_mean, begin_1V, d_x.view());
  for (std::size_t v = 0; v < 3; ++v)
    for (Index d = 0; d < 3; ++d) {
      double sum = 0;
      const double length = static_cast<double>(begin[v + 1] - begin[v]);
      for (Index t = begin[v]; t < begin[v + 1]; ++t) {
        sum += x.view()(t, d);
        CHECK(d_x.view()(t, d) ==
              Catch::Approx(before.view()(t, d) + d_mean.view()(static_cast<Index>(v), d) / length).epsilon(1e-14));
      }
      CHECK(mean.view()(static_cast<Index>(v), d) == Catch::Approx(sum / length).epsilon(1e-14));
    }
}

TEST_CASE("the maximum of a segment is attributed to the first row that has it", "[cpu]") {
  const std::vector<double> x = {1, 5, 3, 5, 3, 4, -2, -1};
  const std::vector<Index> begin = {0, 3, 4};
  Tensor most(2, 2);
  Matrix<Index, B> row(2, 2);
  B::segment_maxima(context, View<const double, B>(x.data(), 4, 2), View<const Index, B>(begin.data(), 1, 3),
                    most.view(), row.view());
  CHECK(std::vector<double>(most.data(), most.data() + 4) == std::vector<double>{3, 5, -2, -1});
  CHECK(std::vector<Index>(row.data(), row.data() + 4) == std::vector<Index>{1, 0, 3, 3});
}

}  // namespace segments_test
