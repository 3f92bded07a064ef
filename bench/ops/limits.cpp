/// Upper limits of the machine, as a reference for the other rates: the register tile on operands that stay in the
/// cache, and one read of memory.
#include "bench/ops/op_bench.hpp"
#include "moe/backend/cpu/isa/instantiations.hpp"
#include "moe/backend/cpu/lanes.hpp"

namespace moe_bench {

namespace {

/// 32 strips of rows times one panel, as in one task of a product; every thread has its own operands.
Call call_on_tiles(const Dealt& d) {
  namespace cpu = moe::cpu;
  const auto& kernels = cpu::product_kernels<float>();
  constexpr Index depth = 256, strips = 32, rounds = 16;
  const Index tile_rows = kernels.tile_rows, panel = kernels.panel_cols;
  const Index left = strips * tile_rows * depth, right = depth * panel;
  const Index threads = d.context.threads;
  const auto operands =
      std::make_shared<Tensor>(uniform_tensor(d.context, threads, left + right + strips * tile_rows * panel, 6));
  const double flops = 2.0 * static_cast<double>(threads * rounds * strips * tile_rows * depth * panel);
  return Call{[=, &d, &kernels] {
                cpu::parallel(d.context, threads, [&](Index thread) {
                  float* const own = operands->view().row(thread).data;
                  for (Index round = 0; round < rounds; ++round)
                    for (Index s = 0; s < strips; ++s) {
                      const float* const strip = own + s * tile_rows * depth;
                      float* const c = own + left + right + s * tile_rows * panel;
                      kernels.multiply_tile(tile_rows, depth, strip, own + left, c, panel, cpu::StoreMode::overwrite,
                                            strip);
                    }
                });
              },
              flops};
}

/// Reads 256 MB, more than a cache holds; threads take tiles of rows dynamically.
Call call_on_memory(const Dealt& d) {
  constexpr Index rows = 1024, cols = 1 << 16;
  const auto values = std::make_shared<Tensor>(uniform_tensor(d.context, rows, cols, 7));
  const auto sums = std::make_shared<std::vector<float>>(static_cast<std::size_t>(rows));
  return Call{[&d, values, sums] {
                Cpu::for_each(d.context, values->rows(), [&](Index r) {
                  const auto row = values->view().row(r);
                  (*sums)[static_cast<std::size_t>(r)] = moe::cpu::dot(row.data, row.data, row.size);
                });
                benchmark::DoNotOptimize(sums->data());
              },
              0, float_bytes(rows * cols)};
}

}  // namespace

void add_limits(Suite& suite, const Context& context, const Shape& shape) {
  add_op(suite, context, shape, "limit_of_tiles", "forward", call_on_tiles);
  add_op(suite, context, shape, "limit_of_memory", "forward", call_on_memory);
}

}  // namespace moe_bench
