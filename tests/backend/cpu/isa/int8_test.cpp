/// Kernels on weights of 8 bits, in every instruction set.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "backend/cpu/instruction_sets.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "support/int8_groups.hpp"
#include "support/random_tensors.hpp"

namespace int8_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;

/// A panel in 8 bits, and its values as floats.
struct Panel {
  Index cols = cpu::product_kernels<float>().panel_cols, depth;
  std::vector<std::int8_t> bytes;
  bool is_finite;

  /// values[k cols + c] is column k of row c.
  Panel(const std::vector<float>& values, Index deep)
      : depth(deep), bytes(static_cast<std::size_t>(Int8Groups::bytes(Int8Groups::count(deep) * cols)), 99) {
    is_finite = cpu::product_kernels<float>().pack_int8_panel(values.data(), deep, bytes.data());
  }
  std::vector<float> widened() const {
    std::vector<float> values(static_cast<std::size_t>(depth * cols));
    cpu::product_kernels<float>().widen_int8_panel(bytes.data(), depth, values.data());
    return values;
  }
};

std::vector<float> drawn_panel(Draw& draw, Index depth) {
  std::vector<float> values(static_cast<std::size_t>(depth * cpu::product_kernels<float>().panel_cols));
  for (float& value : values) value = static_cast<float>(draw.normal());
  return values;
}

}  // namespace

TEST_CASE("a panel of 8-bit weights has the values that Int8Groups defines, in every instruction set", "[cpu][isa]") {
  for_each_instruction_set([] {
    Draw draw("int8 panel");
    for (const Index depth : {1, 3, 31, 32, 33, 64, 70, 200}) {
      auto values = drawn_panel(draw, depth);
      const Panel panel(values, depth);
      CHECK(panel.is_finite);
      const auto widened = panel.widened();
      bool same = true;
      for (Index c = 0; c < panel.cols; ++c) {
        Matrix<float, B> row(1, depth);
        for (Index k = 0; k < depth; ++k) row.view()(0, k) = values[static_cast<std::size_t>(k * panel.cols + c)];
        round_to_int8_groups(row.view());
        for (Index k = 0; k < depth; ++k)
          same = same && row.view()(0, k) == widened[static_cast<std::size_t>(k * panel.cols + c)];
      }
      CHECK(same);
    }
  });
}

TEST_CASE("weights of any size keep their largest values within a part in 254, and 0 stays 0", "[cpu][isa]") {
  for_each_instruction_set([] {
    const Index cols = cpu::product_kernels<float>().panel_cols;
    const float most = (std::numeric_limits<float>::max)();
    const std::vector<float> sizes{0.0f, 1e-30f, 1.0f, -1.0f, 126.5f, 3e38f, most, -most};
    std::vector<float> values(static_cast<std::size_t>(2 * cols));
    for (Index c = 0; c < cols; ++c) {
      values[static_cast<std::size_t>(c)] = sizes[static_cast<std::size_t>(c) % sizes.size()];
      values[static_cast<std::size_t>(cols + c)] = -values[static_cast<std::size_t>(c)] / 3;
    }
    const Panel panel(values, 2);
    CHECK(panel.is_finite);
    const auto widened = panel.widened();
    for (std::size_t i = 0; i < values.size(); ++i) {
      const double largest = std::abs(static_cast<double>(values[i % static_cast<std::size_t>(cols)]));
      CHECK(std::abs(static_cast<double>(widened[i]) - static_cast<double>(values[i])) <= largest / 252);
    }
  });
}

TEST_CASE("weights that are not finite cannot be packed in 8 bits", "[cpu][isa]") {
  for_each_instruction_set([] {
    Draw draw("int8 not finite");
    for (const float wrong : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                              std::numeric_limits<float>::quiet_NaN()})
      for (const Index place : {0, 5, 33 * 8}) {
        auto values = drawn_panel(draw, 40);
        CHECK(Panel(values, 40).is_finite);
        values[static_cast<std::size_t>(place)] = wrong;
        CHECK_FALSE(Panel(values, 40).is_finite);
      }
  });
}

TEST_CASE("register tiles of 8-bit weights are bitwise identical to those of the same values in float", "[cpu][isa]") {
  for_each_instruction_set([] {
    const auto& kernels = cpu::product_kernels<float>();
    Draw draw("int8 tiles");
    for (const Index depth : {1, 2, 4, 31, 33, 34, 35, 36, 96, 130}) {
      const Panel panel(drawn_panel(draw, depth), depth);
      const auto whole = panel.widened();
      for (Index rows = 1; rows <= (std::min)(cpu::few_rows, kernels.tile_rows); ++rows) {
        std::vector<float> left(static_cast<std::size_t>(rows * depth)), c(static_cast<std::size_t>(rows * panel.cols));
        for (float& value : left) value = static_cast<float>(draw.normal());
        for (float& value : c) value = static_cast<float>(draw.normal());
        for (const auto into : {cpu::StoreMode::overwrite, cpu::StoreMode::accumulate}) {
          auto narrow = c, wide = c;
          kernels.multiply_tile(rows, depth, left.data(), panel.bytes.data(), narrow.data(), panel.cols, into,
                                left.data());
          kernels.multiply_tile(rows, depth, left.data(), whole.data(), wide.data(), panel.cols, into, left.data());
          CHECK(std::memcmp(narrow.data(), wide.data(), wide.size() * sizeof(float)) == 0);
        }
      }
    }
  });
}

}  // namespace int8_test
