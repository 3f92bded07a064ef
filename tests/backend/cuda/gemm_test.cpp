/// The accelerator's products on the emulated device, compared with plain loops and with the CPU.
#include "moe/backend/cuda/gemm.cuh"

#include "backend/cuda/on_device.hpp"
#include "support/catch.hpp"
#include "support/emulated_device.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace gemm_test {

using namespace moe;
using namespace moe::testing;

namespace {

using A = Emulated;

template <class B>
void check_row_products() {
  const typename B::Context here;
  Draw draw("logits");
  for (const Index width : {1, 7, 8, 61, 128})
    for (const Index experts : {1, 6, 8, 19}) {
      const auto x = random_matrix<float, Cpu<>>(draw, 11, width),
                 w = random_matrix<float, Cpu<>>(draw, experts, width);
      auto x_RD = Matrix<float, B>::uninitialized(here, 11, width),
           w_ED = Matrix<float, B>::uninitialized(here, experts, width);
      B::upload(here, x.data(), x_RD.view());
      B::upload(here, w.data(), w_ED.view());
      auto all = Matrix<float, B>::uninitialized(here, 11, experts),
           one = Matrix<float, B>::uninitialized(here, 1, experts);
      B::row_products(here, x_RD.const_view(), w_ED, all.view());
      std::vector<float> y(static_cast<std::size_t>(11 * experts)), alone(static_cast<std::size_t>(experts));
      B::download(here, all.const_view(), y.data());
      std::vector<double> expected;
      for (Index r = 0; r < 11; ++r)
        for (Index e = 0; e < experts; ++e) {
          double sum = 0;
          for (Index d = 0; d < width; ++d) sum += double(x.view()(r, d)) * double(w.view()(e, d));
          expected.push_back(sum);
        }
      CHECK(relative_deviation(expected, {y.begin(), y.end()}) < 1e-6);
      // Without the rows before it, a row starts at any alignment.
      for (Index r = 0; r < 11; ++r) {
        B::row_products(here, x_RD.const_view().rows_between(r, r + 1), w_ED, one.view());
        B::download(here, one.const_view(), alone.data());
        CHECK(std::equal(alone.begin(), alone.end(), y.begin() + r * experts));
      }
    }
}

}  // namespace

TEST_CASE("a row's logits do not depend on other rows or on the row's alignment", "[accelerator]") {
  check_row_products<Emulated>();
#ifndef MOE_SLOW_BUILD
  // Lanes switch stacks, which sanitizers report as an error.
  const WithLanes eight(8);
  check_row_products<EmulatedWarps>();
#endif
}

TEST_CASE("the gradients of logits are those of a linear layer", "[accelerator]") {
  Draw draw("logits, backward");
  for (const Index rows : {0, 1, 5, 300}) {
    const auto x = random_matrix<double, Cpu<>>(draw, rows, 13), d_y = random_matrix<double, Cpu<>>(draw, rows, 11),
               w = random_matrix<double, Cpu<>>(draw, 11, 13);
    auto d_x = random_matrix<double, Cpu<>>(draw, rows, 13), d_w = random_matrix<double, Cpu<>>(draw, 11, 13);
    auto d_x_RD = sent(d_x), d_w_ED = sent(d_w);
    A::add_row_dgrad(context(), sent(d_y), sent(w), d_x_RD.view());
    const auto x_RD = sent(x);
    A::add_row_wgrad(context(), sent(d_y), x_RD.view(), d_w_ED.view());
    for (Index r = 0; r < rows; ++r)
      for (Index e = 0; e < 11; ++e)
        for (Index d = 0; d < 13; ++d) {
          d_x.view()(r, d) += d_y.view()(r, e) * w.view()(e, d);
          d_w.view()(e, d) += d_y.view()(r, e) * x.view()(r, d);
        }
    CHECK(relative_deviation(values_of(d_x), fetched(d_x_RD)) < 1e-13);
    CHECK(relative_deviation(values_of(d_w), fetched(d_w_ED)) < 1e-13);
  }
}

TEST_CASE("grouped products, with empty groups, equal the CPU's", "[accelerator]") {
  Draw draw("groups");
  const std::vector<Index> offsets = {0, 4, 4, 8, 12, 12, 13};
  std::vector<Matrix<double, Cpu<>>> here;
  std::vector<Matrix<double, A>> there;
  std::vector<View<const double, Cpu<>>> w;
  std::vector<View<const double, A>> w_there;
  for (int g = 0; g < 6; ++g)
    here.push_back(random_matrix<double, Cpu<>>(draw, 5, 3)), there.push_back(sent(here.back()));
  for (const auto& weight : here) w.push_back(weight.view());
  for (const auto& weight : there) w_there.push_back(weight.view());
  const auto x = random_matrix<double, Cpu<>>(draw, 13, 3), d_y = random_matrix<double, Cpu<>>(draw, 13, 5);
  const auto x_there = sent(x), d_y_there = sent(d_y);
  const CpuContext cpu{.threads = 1};

  Matrix<double, Cpu<>> y(13, 5), d_x(13, 3);
  auto y_there = Matrix<double, A>::uninitialized(context(), 13, 5),
       d_x_there = Matrix<double, A>::zeros(context(), 13, 3);
  Cpu<>::grouped_product(cpu, x, w, offsets, y.view());
  A::grouped_product(context(), x_there, w_there, offsets, y_there.view());
  CHECK(relative_deviation(values_of(y), fetched(y_there)) < 1e-14);
  Cpu<>::add_grouped_dgrad(cpu, d_y, w, offsets, d_x.view());
  A::add_grouped_dgrad(context(), d_y_there, w_there, offsets, d_x_there.view());
  CHECK(relative_deviation(values_of(d_x), fetched(d_x_there)) < 1e-14);

  // The third weight does not train.
  std::vector<Matrix<double, Cpu<>>> slopes(6);
  std::vector<Matrix<double, A>> slopes_there(6);
  std::vector<View<double, Cpu<>>> d_w(6);
  std::vector<View<double, A>> d_w_there(6);
  for (std::size_t g = 0; g < 6; ++g) {
    if (g == 2) continue;
    slopes[g] = random_matrix<double, Cpu<>>(draw, 5, 3);
    slopes_there[g] = sent(slopes[g]);
    d_w[g] = slopes[g].view();
    d_w_there[g] = slopes_there[g].view();
  }
  Cpu<>::grouped_wgrad<double>(cpu, d_y, x, offsets, d_w);
  A::grouped_wgrad<double>(context(), d_y_there, x_there, offsets, d_w_there);
  for (std::size_t g = 0; g < 6; ++g)
    CHECK(relative_deviation(values_of(slopes[g]), {fetched(slopes_there[g])}) < 1e-14);
}

}  // namespace gemm_test
