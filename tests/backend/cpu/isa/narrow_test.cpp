/// Kernels on bfloat16 values, in every instruction set.
#include <bit>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/cpu/instruction_sets.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "support/random_tensors.hpp"

namespace narrow_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;

std::vector<BFloat16> drawn(Draw& draw, Index size) {
  std::vector<BFloat16> values(static_cast<std::size_t>(size));
  for (BFloat16& value : values) value = BFloat16(static_cast<float>(draw.normal()));
  return values;
}
double wide(BFloat16 value) { return static_cast<double>(static_cast<float>(value)); }

/// op(a) op(b) for m x n results over k, compared with plain loops in double.
template <Product product>
void check_products(Index m, Index n, Index k) {
  Draw draw("narrow products", static_cast<std::uint32_t>(m * 10007 + n * 101 + k));
  constexpr bool is_left = product == Product::left_transposed, is_right = product == Product::right_transposed;
  const auto a = drawn(draw, m * k), b = drawn(draw, n * k);
  const View<const BFloat16, B> a_view(a.data(), is_left ? k : m, is_left ? m : k),
      b_view(b.data(), is_right ? n : k, is_right ? k : n);
  const Index offsets[] = {0, a_view.rows};
  const CpuContext context;
  std::vector<float> sums(static_cast<std::size_t>(m * n), 2.0f);
  std::vector<BFloat16> rounded(sums.size(), BFloat16(2.0f)), fresh(sums.size());
  TileGemm::Lhs<product, BFloat16, B> lhs(context, a_view, {offsets, 2});
  lhs.multiply(0, 0, 0, m, {b_view}, 0, n, View<float, B>(sums.data(), m, n), cpu::StoreMode::accumulate);
  std::vector<float> memory(sums.size());
  const View<float, B> unrounded(memory.data(), m, n);
  lhs.multiply(0, 0, 0, m, {b_view}, 0, n, View<BFloat16, B>(rounded.data(), m, n), cpu::StoreMode::accumulate,
               unrounded);
  lhs.multiply(0, 0, 0, m, {b_view}, 0, n, View<BFloat16, B>(fresh.data(), m, n), cpu::StoreMode::overwrite, unrounded);
  double worst = 0, worst_rounded = 0;
  for (Index i = 0; i < m; ++i)
    for (Index j = 0; j < n; ++j) {
      double sum = 0, magnitude = 2;
      for (Index l = 0; l < k; ++l) {
        const double term = wide(is_left ? a_view(l, i) : a_view(i, l)) * wide(is_right ? b_view(j, l) : b_view(l, j));
        sum += term, magnitude += std::abs(term);
      }
      const auto at = static_cast<std::size_t>(i * n + j);
      worst = std::max(worst, std::abs(static_cast<double>(sums[at]) - sum - 2) / magnitude);
      worst_rounded = std::max(worst_rounded, std::abs(wide(rounded[at]) - sum - 2) / magnitude);
      worst_rounded = std::max(worst_rounded, std::abs(wide(fresh[at]) - sum) / magnitude);
    }
  INFO(m << " x " << n << " over " << k);
  CHECK(worst < 1e-6);
  CHECK(worst_rounded < 0x1p-8);
}

}  // namespace

TEST_CASE("products of bfloat16 equal those of plain loops, for every shape", "[cpu][isa]") {
  for_each_instruction_set([] {
    for (const Index m : {1, 2, 8, 9, 14, 15, 33})
      for (const Index n : {1, 31, 32, 33, 70})
        for (const Index k : {1, 2, 15, 16, 37, 130}) {
          check_products<Product::plain>(m, n, k);
          check_products<Product::left_transposed>(m, n, k);
          check_products<Product::right_transposed>(m, n, k);
        }
    // More than one block of the inner index, with an odd last one.
    check_products<Product::plain>(20, 40, 515);
    check_products<Product::left_transposed>(20, 40, 515);
    check_products<Product::right_transposed>(20, 40, 2501);
    check_products<Product::right_transposed>(20, 40, 6501);
  });
}

TEST_CASE("products with rows in bfloat16 are bitwise identical to those with the same values in float", "[cpu][isa]") {
  for_each_instruction_set([] {
    const auto& kernels = cpu::product_kernels<float>();
    Draw draw("rows in bfloat16", 1);
    for (const Index depth : {1, 15, 16, 17, 63, 70, 200})
      for (const Index cols : {1, 3, 31, 33, 70}) {
        const auto b = drawn(draw, cols * depth);
        std::vector<float> wide_b(b.size()), a(static_cast<std::size_t>(8 * depth));
        std::transform(b.begin(), b.end(), wide_b.begin(), [](BFloat16 value) { return static_cast<float>(value); });
        for (float& value : a) value = static_cast<float>(draw.normal());
        for (Index rows = 1; rows <= cpu::few_rows; ++rows) {
          std::vector<float> from_rows(static_cast<std::size_t>(rows * cols), 2.0f), from_floats = from_rows;
          kernels.narrow_few_rows[rows - 1](depth, cols, a.data(), depth, b.data(), depth, from_rows.data(), cols,
                                            cpu::StoreMode::accumulate);
          kernels.few_rows[rows - 1](depth, cols, a.data(), depth, wide_b.data(), depth, from_floats.data(), cols,
                                     cpu::StoreMode::accumulate);
          CHECK(from_rows == from_floats);
        }
        const Index panels = (cols + kernels.panel_cols - 1) / kernels.panel_cols;
        std::vector<float> from_rows(static_cast<std::size_t>(panels * kernels.panel_cols * depth)),
            from_floats = from_rows;
        kernels.pack_narrow_panels_of_rows(b.data(), depth, depth, cols, from_rows.data());
        kernels.pack_panels_of_rows(wide_b.data(), depth, depth, cols, from_floats.data());
        CHECK(from_rows == from_floats);
      }
  });
}

TEST_CASE("groups of an odd number of rows do not overlap in packed memory", "[cpu][isa]") {
  for_each_instruction_set([] {
    Draw draw("odd groups");
    constexpr Index rows = 24, width = 18, depth = 22;
    const Index offsets[] = {0, 3, 3, 4, 9, 24};
    const auto x = drawn(draw, rows * width), d_y = drawn(draw, rows * depth);
    std::vector<Matrix<float, B>> d_w;
    std::vector<View<float, B>> views;
    for (int g = 0; g < 5; ++g) d_w.emplace_back(depth, width);
    for (auto& one : d_w) views.push_back(one.view());
    const CpuContext context{.threads = 2};
    B::grouped_wgrad<BFloat16, float>(context, {d_y.data(), rows, depth}, {x.data(), rows, width}, {offsets, 6},
                                      {views.data(), 5});
    double worst = 0;
    for (std::size_t g = 0; g < 5; ++g)
      for (Index i = 0; i < depth; ++i)
        for (Index j = 0; j < width; ++j) {
          double sum = 0;
          for (Index n = offsets[g]; n < offsets[g + 1]; ++n)
            sum +=
                wide(d_y[static_cast<std::size_t>(n * depth + i)]) * wide(x[static_cast<std::size_t>(n * width + j)]);
          worst = std::max(worst, std::abs(sum - static_cast<double>(views[g](i, j))));
        }
    CHECK(worst < 1e-5);
  });
}

TEST_CASE("rows are widened and rounded as single values are", "[cpu][isa]") {
  Draw draw("conversions");
  std::vector<float> values{0.0f,
                            -0.0f,
                            1.0f,
                            1.00390625f,
                            1.01171875f,
                            3.4e38f,
                            -3.4e38f,
                            1e-40f,
                            std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN(),
                            std::bit_cast<float>(0x7f800001u),
                            std::bit_cast<float>(0xffffffffu)};
  for (int i = 0; i < 100; ++i) values.push_back(static_cast<float>(draw.normal()));
  for_each_instruction_set([&] {
    const auto& kernels = cpu::narrow_row_kernels();
    for (std::size_t size = 0; size <= values.size(); size += 7) {
      std::vector<BFloat16> narrow(size);
      std::vector<float> back(size), sums(size, 1.0f);
      kernels.narrow(static_cast<Index>(size), values.data(), narrow.data());
      kernels.widen(static_cast<Index>(size), narrow.data(), back.data());
      kernels.add_scaled(static_cast<Index>(size), 2.0f, narrow.data(), sums.data());
      for (std::size_t i = 0; i < size; ++i) {
        CHECK(narrow[i].bits == BFloat16(values[i]).bits);
        CHECK(std::bit_cast<std::uint32_t>(back[i]) == std::uint32_t{narrow[i].bits} << 16);
        if (std::isfinite(back[i]) && std::abs(back[i]) < 1e30f) CHECK(sums[i] == Catch::Approx(1 + 2 * back[i]));
      }
    }
  });
}

}  // namespace narrow_test
