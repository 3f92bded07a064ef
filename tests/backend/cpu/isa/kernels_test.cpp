#include "moe/backend/cpu/isa/kernels.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/cpu/instruction_sets.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "support/check_product.hpp"
#include "support/random_tensors.hpp"
#include "support/tolerance.hpp"

namespace kernels_test {

using namespace moe;
using namespace moe::testing;

namespace {

/// A vector of exactly `size` values, so that a sanitizer reports any access past its end.
template <class Real>
std::vector<Real> normals(Draw& draw, Index size, double deviation = 1) {
  std::vector<Real> values(static_cast<std::size_t>(size));
  for (Real& value : values) value = static_cast<Real>(as_float(deviation * draw.normal()));
  return values;
}
template <class Real>
std::vector<double> doubles(const std::vector<Real>& values) {
  return {values.begin(), values.end()};
}
/// How far a few hundred rounded sums may be off.
template <class Real>
inline constexpr double bar = sizeof(Real) == 4 ? 1e-5 : 1e-13;
template <class Real>
Real& at(std::vector<Real>& values, Index i) {
  return values[static_cast<std::size_t>(i)];
}
template <class Real>
std::vector<Real> exponentials_of(std::vector<Real> x, Real shift = 0) {
  cpu::row_kernels<Real>().exponentials(static_cast<Index>(x.size()), shift, x.data(), x.data());
  return x;
}

}  // namespace

TEMPLATE_TEST_CASE("packing copies every value of a matrix into its place, and reads and writes no others",
                   "[cpu][isa]", float, double) {
  Draw draw("packing");
  for_each_instruction_set([&] {
    const auto& kernels = cpu::product_kernels<TestType>();
    const Index panel = kernels.panel_cols, margin = kernels.strip_margin;
    for (const Index depth : {1, 3, 16, 37})
      for (const Index wide : {1, 5, 6, 14, 16, 33, 70}) {
        INFO(depth << " x " << wide);
        auto x = normals<TestType>(draw, depth * wide);
        bool right = true;
        for (Index first = 0; first < wide; first += kernels.tile_rows) {
          const Index count = std::min(kernels.tile_rows, wide - first);
          // Strips of rows of a wide x depth matrix, and of columns of a depth x wide matrix.
          std::vector<TestType> of_rows(static_cast<std::size_t>(depth * count + margin)), of_cols = of_rows;
          kernels.pack_strip(x.data() + first * depth, depth, wide - first, depth, count, of_rows.data());
          kernels.pack_strip_of_columns(x.data() + first, wide, wide - first, depth, count, of_cols.data());
          for (Index k = 0; k < depth; ++k)
            for (Index c = 0; c < count; ++c)
              right = right && at(of_rows, k * count + c) == at(x, (first + c) * depth + k) &&
                      at(of_cols, k * count + c) == at(x, k * wide + first + c);
        }
        const Index panels = (wide + panel - 1) / panel;
        std::vector<TestType> of_rows(static_cast<std::size_t>(panels * panel * depth), TestType(-7));
        auto of_cols = of_rows;
        kernels.pack_panels(x.data(), wide, depth, wide, of_cols.data());
        kernels.pack_panels_of_rows(x.data(), depth, depth, wide, of_rows.data());
        for (Index p = 0; p < panels; ++p)
          for (Index k = 0; k < depth; ++k)
            for (Index c = 0; c < panel; ++c) {
              const Index to = (p * depth + k) * panel + c, col = p * panel + c;
              right = right && at(of_cols, to) == (col < wide ? at(x, k * wide + col) : TestType(0)) &&
                      at(of_rows, to) == (col < wide ? at(x, col * depth + k) : TestType(0));
            }
        CHECK(right);
      }
  });
}

TEMPLATE_TEST_CASE("every register tile and every product of a few rows equals plain loops", "[cpu][isa]", float,
                   double) {
  const CpuContext context;
  for_each_instruction_set([&] {
    for (Index m = 1; m <= cpu::most_tile_rows + 1; ++m)
      for (const Index n : {1, 31, 32, 70})
        for (const Index k : {1, 15, 16, 37})
          check_product<Product::right_transposed, TestType>(m, n, k, m % 3, n % 4, [&](auto a, auto b, auto c) {
            TileGemm::add<Product::right_transposed, TestType>(context, a, b, c);
          });
  });
}

TEMPLATE_TEST_CASE("rows are scaled, added and summed", "[cpu][isa]", float, double) {
  Draw draw("rows");
  for_each_instruction_set([&] {
    const auto& kernels = cpu::row_kernels<TestType>();
    for (const Index size : {0, 1, 7, 16, 33, 100}) {
      const auto x = normals<TestType>(draw, size);
      auto scaled = x, added = normals<TestType>(draw, size), slopes = x;
      const auto before = added;
      kernels.scale(size, TestType(3), x.data(), scaled.data());
      kernels.add_scaled(size, TestType(-2), x.data(), added.data());
      kernels.softmax_backward(size, TestType(0.5), TestType(0.3), before.data(), slopes.data());
      double dot = 0, squares = 0;
      for (std::size_t i = 0; i < x.size(); ++i) {
        CHECK(scaled[i] == 3 * x[i]);
        CHECK(slopes[i] == before[i] * (x[i] - TestType(0.3)) * TestType(0.5));
        CHECK(added[i] == Catch::Approx(before[i] - 2 * x[i]).margin(bar<TestType>).epsilon(0));
        dot += static_cast<double>(x[i]) * static_cast<double>(before[i]);
        squares += static_cast<double>(x[i]) * static_cast<double>(x[i]);
      }
      CHECK(kernels.dot(x.data(), before.data(), size) == Catch::Approx(dot).margin(bar<TestType>).epsilon(0));
      CHECK(kernels.sum_of_squares(x.data(), size) == Catch::Approx(squares).epsilon(1e-12));
    }
  });
}

TEMPLATE_TEST_CASE("exponentials are within two units in the last place, and 0 below the smallest normal number",
                   "[cpu][isa]", float, double) {
  using Limits = std::numeric_limits<TestType>;
  for_each_instruction_set([&] {
    std::vector<TestType> x;
    for (int i = -8700; i <= 8800; ++i) x.push_back(static_cast<TestType>(i) / 100);
    const auto y = exponentials_of(x);
    double worst = 0, sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp(static_cast<double>(x[i]));
      worst = std::max(worst, std::abs(static_cast<double>(y[i]) - exact) / exact);
    }
    CHECK(worst < 2 * static_cast<double>(Limits::epsilon()));
    const auto special = exponentials_of<TestType>({0, -1000, -Limits::infinity(), Limits::quiet_NaN()});
    CHECK(special[0] == 1);
    CHECK(special[1] == 0);
    CHECK(special[2] == 0);
    CHECK(std::isnan(special[3]));
    // At the border, every result is 0 or a normal number.
    TestType at_border = static_cast<TestType>(std::log(static_cast<double>(Limits::min())));
    for (int i = 0; i < 20; ++i) at_border = std::nextafter(at_border, TestType(0));
    for (int i = 0; i < 40; ++i, at_border = std::nextafter(at_border, -Limits::infinity())) {
      const TestType value = exponentials_of<TestType>({at_border})[0];
      CHECK((value == 0 || value >= Limits::min()));
    }
    // A value's result does not depend on its position, and the sum is that of all values.
    for (std::size_t size = 1; size < 40; ++size) {
      std::vector<TestType> part(x.begin() + 8600, x.begin() + 8600 + static_cast<std::ptrdiff_t>(size)), out(size);
      const TestType total =
          cpu::row_kernels<TestType>().exponentials(static_cast<Index>(size), TestType(0.5), part.data(), out.data());
      sum = 0;
      for (std::size_t i = 0; i < size; ++i) {
        CHECK(out[i] == exponentials_of<TestType>({part[i]}, TestType(0.5))[0]);
        sum += static_cast<double>(out[i]);
      }
      CHECK(total == Catch::Approx(sum).epsilon(bar<TestType>));
    }
  });
}

TEMPLATE_TEST_CASE("SwiGLU and its gradient follow their formulas", "[cpu][isa]", float, double) {
  Draw draw("swiglu");
  const Index size = 5003;
  const auto a = normals<TestType>(draw, size, 3), b = normals<TestType>(draw, size),
             d_h = normals<TestType>(draw, size);
  std::vector<double> h_expected, d_a_expected, d_b_expected;
  double inner_expected = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double z = static_cast<double>(a[i]), factor = static_cast<double>(b[i]), d = static_cast<double>(d_h[i]);
    const double s = 1 / (1 + std::exp(-z));
    h_expected.push_back(z * s * factor);
    d_a_expected.push_back(d * factor * s * (1 + z * (1 - s)));
    d_b_expected.push_back(d * z * s);
    inner_expected += d * h_expected.back();
  }
  for_each_instruction_set([&] {
    const auto& kernels = cpu::swiglu_kernels<TestType>();
    std::vector<TestType> h(a.size()), d_a = a, d_b = b, again = d_h;
    kernels.forward(size, a.data(), b.data(), h.data());
    const TestType inner = kernels.backward(size, TestType(1), d_a.data(), d_b.data(), again.data());
    CHECK(static_cast<double>(inner) == Catch::Approx(inner_expected).epsilon(sizeof(TestType) == 4 ? 1e-4 : 1e-11));
    CHECK(nmse(h_expected, doubles(h)) < Tolerance<TestType>::nmse);
    CHECK(nmse(d_a_expected, doubles(d_a)) < Tolerance<TestType>::nmse);
    CHECK(nmse(d_b_expected, doubles(d_b)) < Tolerance<TestType>::nmse);
    // h recomputed in backward and h computed in place are bitwise identical to h.
    CHECK(again == h);
    std::vector<TestType> in_place = a;
    kernels.forward(size, in_place.data(), b.data(), in_place.data());
    CHECK(in_place == h);
    // The result of a value does not depend on its position.
    for (Index begin = 0; begin < 70; ++begin) {
      std::vector<TestType> part(static_cast<std::size_t>(70 - begin));
      kernels.forward(70 - begin, a.data() + begin, b.data() + begin, part.data());
      CHECK(part == std::vector<TestType>(h.begin() + begin, h.begin() + 70));
    }
  });
}

TEMPLATE_TEST_CASE("SwiGLU and its gradient have the right limits for large inputs, and keep NaN", "[cpu][isa]", float,
                   double) {
  using Limits = std::numeric_limits<TestType>;
  for_each_instruction_set([&] {
    const auto& kernels = cpu::swiglu_kernels<TestType>();
    const TestType far = 1e4;
    std::vector<TestType> a = {-far, far, -far, -Limits::max(), Limits::max(), Limits::quiet_NaN()};
    std::vector<TestType> b(6, TestType(2)), d_h = b, h(6);
    b[4] = TestType(0.5);
    kernels.forward(6, a.data(), b.data(), h.data());
    CHECK(std::vector<TestType>(h.begin(), h.begin() + 5) ==
          std::vector<TestType>{0, 2 * far, 0, 0, Limits::max() / 2});
    CHECK(std::isnan(h[5]));
    kernels.backward(3, TestType(1), a.data(), b.data(), d_h.data());
    CHECK(std::abs(a[0]) < TestType(1e-3));
    CHECK(std::abs(a[1] - TestType(4)) < TestType(1e-3));
  });
}

TEST_CASE("AdamW's stochastic rounding is that of single values, infinities and NaN included", "[cpu][isa]") {
  const RandomKey key{.seed = 0x123456789ull, .step = 5, .layer = 6};
  std::vector<std::uint32_t> bits{0,           0x80000000u, 0x3f80ffffu, 0x7f7fffffu, 0x7f800000u,
                                  0xff800000u, 0x7f800001u, 0xffc00000u, 0x7fffffffu, 1u};
  for (std::uint64_t i = 0; i < 400; ++i) bits.push_back(random_words(key, i)[0]);
  const auto size = static_cast<Index>(bits.size());
  for_each_instruction_set([&] {
    // The first value of a tensor's part: past 2^34 values, entries of the stream need more than 32 bits.
    for (const Index first : {Index{0}, Index{1} << 35}) {
      // The step is 0, so that the weights are rounded as they are; the moments become the gradient and its square.
      const AdamWScalars<float> pace{.scale = 1,
                                     .beta_1 = 0,
                                     .beta_2 = 0,
                                     .rest_1 = 1,
                                     .rest_2 = 1,
                                     .rate = 0,
                                     .root = 1,
                                     .epsilon = 1,
                                     .keep = 1};
      std::vector<float> w(bits.size()), gradient(bits.size());
      std::vector<BFloat16> m(bits.size()), v(bits.size());
      for (std::size_t i = 0; i < bits.size(); ++i)
        w[i] = std::bit_cast<float>(bits[i]), gradient[i] = static_cast<float>(i) / 7;
      const auto before = w;
      cpu::adamw_kernel<MasterWeights::bfloat16, float, BFloat16>()(size, pace, key, first, gradient.data(), w.data(),
                                                                    nullptr, m.data(), v.data());
      bool right = true;
      for (Index i = 0; i < size; ++i) {
        const RoundingOfFour random(key, (first + i) / 4);
        const auto word = static_cast<std::size_t>((first + i) % 4);
        const float value = at(w, i), g = at(gradient, i);
        const auto expected = stochastic_round(before[static_cast<std::size_t>(i)], random.weights[word]);
        const bool is_nan = std::isnan(before[static_cast<std::size_t>(i)]);
        right = right && (is_nan ? std::isnan(value)
                                 : std::bit_cast<std::uint32_t>(value) == std::uint32_t{expected.bits} << 16);
        right = right && at(m, i).bits == stochastic_round(g, random.moments[word]).bits;
        right = right && at(v, i).bits == stochastic_round(g * g, random.moments[word] >> 16).bits;
      }
      CHECK(right);
    }
  });
}

TEST_CASE("AdamW stores and loads split master weights unchanged, and touches nothing beyond the tensor",
          "[cpu][isa]") {
  const AdamWScalars<float> pace{
      .scale = 1, .beta_1 = 0, .beta_2 = 0, .rest_1 = 1, .rest_2 = 1, .rate = 0, .root = 1, .epsilon = 1, .keep = 1};
  for_each_instruction_set([&] {
    for (Index size = 0; size <= 70; ++size) {
      // One value more than the tensor has, which must not change.
      const auto one_more = static_cast<std::size_t>(size) + 1;
      std::vector<float> w(one_more), gradient(one_more, 2.0f), m(one_more, 17.0f), v = m;
      std::vector<std::uint16_t> lower(one_more);
      for (std::size_t i = 0; i < one_more; ++i) {
        const float whole = std::bit_cast<float>(0x3f800000u + 0x1234567u * static_cast<std::uint32_t>(i));
        w[i] = static_cast<float>(upper_half(whole));
        lower[i] = lower_half(whole);
      }
      const auto w_before = w;
      const auto lower_before = lower;
      cpu::adamw_kernel<MasterWeights::split, float, float>()(size, pace, {}, 0, gradient.data(), w.data(),
                                                              lower.data(), m.data(), v.data());
      CHECK(w == w_before);
      CHECK(lower == lower_before);
      CHECK((m.back() == 17 && v.back() == 17));
      CHECK(std::count(m.begin(), m.end(), 2.0f) == size);
    }
  });
}

TEMPLATE_TEST_CASE("kernels are bitwise identical in all instruction sets with a fused multiply-add", "[cpu][isa]",
                   float, double) {
  check_equal_in_fused_sets([] {
    const CpuContext context;
    Draw draw("equal sets");
    const auto a = normals<TestType>(draw, 70 * 77), b = normals<TestType>(draw, 70 * 77);
    std::vector<TestType> all;
    using In = View<const TestType, Cpu<>>;
    for (const Index rows : {1, 2, 3, 4, 5, 6, 7, 8, 9, 15, 40}) {
      std::vector<TestType> c(static_cast<std::size_t>(rows * 70), TestType(0.25)), d = c, e = c;
      TileGemm::add<Product::right_transposed, TestType>(context, In(a.data(), rows, 77), In(b.data(), 70, 77),
                                                         View<TestType, Cpu<>>(c.data(), rows, 70));
      TileGemm::add<Product::plain, TestType>(context, In(a.data(), rows, 77), In(b.data(), 77, 70),
                                              View<TestType, Cpu<>>(d.data(), rows, 70));
      TileGemm::add<Product::left_transposed, TestType>(context, In(a.data(), 77, rows), In(b.data(), 77, 70),
                                                        View<TestType, Cpu<>>(e.data(), rows, 70));
      for (const auto* values : {&c, &d, &e}) all.insert(all.end(), values->begin(), values->end());
    }
    const auto& rows = cpu::row_kernels<TestType>();
    const auto& swiglu = cpu::swiglu_kernels<TestType>();
    auto x = a, y = b, h = a;
    const Index size = 1003;
    all.push_back(rows.dot(a.data(), b.data(), size));
    all.push_back(static_cast<TestType>(rows.sum_of_squares(a.data(), size)));
    swiglu.forward(size, x.data(), y.data(), h.data());
    all.push_back(swiglu.backward(size, TestType(0.7), x.data(), y.data(), h.data()));
    rows.add_scaled(size, TestType(0.3), y.data(), x.data());
    all.push_back(rows.exponentials(size, TestType(3), h.data(), h.data()));
    rows.softmax_backward(size, TestType(0.7), TestType(0.1), a.data(), h.data());
    for (const auto* values : {&x, &y, &h}) all.insert(all.end(), values->begin(), values->end());
    std::vector<TestType> w = b, m(b.size()), v(b.size());
    const AdamWScalars<TestType> pace{.scale = TestType(0.9),
                                      .beta_1 = TestType(0.9),
                                      .beta_2 = TestType(0.99),
                                      .rest_1 = TestType(0.1),
                                      .rest_2 = TestType(0.01),
                                      .rate = TestType(0.01),
                                      .root = TestType(1.5),
                                      .epsilon = TestType(1e-8),
                                      .keep = TestType(0.999)};
    for (int step = 0; step < 3; ++step)
      cpu::adamw_kernel<MasterWeights::float32, TestType, TestType>()(
          static_cast<Index>(w.size()) / 64 * 64 + 5, pace, {}, 0, a.data(), w.data(), nullptr, m.data(), v.data());
    all.insert(all.end(), w.begin(), w.end());
    return all;
  });
}

}  // namespace kernels_test
