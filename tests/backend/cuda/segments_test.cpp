/// The accelerator's pooling on the emulated device, compared with the CPU.
#include "moe/backend/cuda/segments.cuh"

#include "backend/cuda/on_device.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace segments_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;

}  // namespace

TEST_CASE("means and maxima of segments, and gradients of means, match the CPU's", "[accelerator]") {
  Draw draw("segments");
  const CpuContext cpu{.threads = 1};
  const auto x = random_matrix<double, Cpu<>>(draw, 40, 3), d_mean = random_matrix<double, Cpu<>>(draw, 4, 3);
  Matrix<Index, Cpu<>> begin(1, 5);
  for (const Index v : {1, 2, 3, 4})
    begin.data()[v] = std::vector<Index>{0, 1, 20, 23, 40}[static_cast<std::size_t>(v)];
  Matrix<double, Cpu<>> mean(4, 3), most(4, 3);
  Matrix<Index, Cpu<>> row(4, 3);
  auto d_x = random_matrix<double, Cpu<>>(draw, 40, 3);
  auto d_x_there = sent(d_x);
  const auto x_there = sent(x);
  const auto begin_there = sent(begin);
  auto mean_there = Matrix<double, A>::uninitialized(context(), 4, 3),
       most_there = Matrix<double, A>::uninitialized(context(), 4, 3);
  auto row_there = Matrix<Index, A>::uninitialized(context(), 4, 3);

  Cpu<>::segment_means(cpu, x.const_view(), begin.const_view(), mean.view());
  A::segment_means(context(), x_there.view(), begin_there.view(), mean_there.view());
  CHECK(relative_deviation(values_of(mean), fetched(mean_there)) < 1e-14);
  Cpu<>::segment_maxima(cpu, x.const_view(), begin.const_view(), most.view(), row.view());
  A::segment_maxima(context(), x_there.view(), begin_there.view(), most_there.view(), row_there.view());
  CHECK(fetched(most_there) == listed(most));
  CHECK(fetched(row_there) == listed(row));
  Cpu<>::add_segment_means_backward(cpu, d_mean, begin.const_view(), d_x.view());
  A::add_segment_means_backward(context(), sent(d_mean), begin_there.view(), d_x_there.view());
  CHECK(relative_deviation(values_of(d_x), fetched(d_x_there)) < 1e-14);
}

}  // namespace segments_test
