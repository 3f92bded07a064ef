/// The measurements: one entry for each layer or operation, shape and pass.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "bench/shapes.hpp"
#include "benchmark/benchmark.h"
#include "moe/backend/cpu/cpu.hpp"

namespace moe_bench {

using Cpu = moe::Cpu<>;
using Context = moe::CpuContext;

using Run = std::function<void(benchmark::State&)>;

/// `whole` is the pass as a user runs it; `parts`, if set, is the same with a Stopwatch on the layer's phases. A run
/// reports its work per iteration as counters: "flops" (those of the products) and "bytes" (read and written, each
/// once).
struct Entry {
  std::string kind;     // layer or op
  std::string subject;  // token_moe, gather_rows, ...
  Shape shape;
  // step, forward, forward_backward, backward, infer, decode_1, decode_8, decode_64; infer and decode also with
  // _packed, _packed_bf16
  std::string pass;
  Run whole;
  Run parts{};
  /// The subject whose rate is the reference for this one's, in the same shape and pass.
  std::string yardstick{};
  /// Iterations per repetition; 0: as many as fill its time.
  Index iterations = 0;

  std::string name() const { return kind + "/" + subject + "/" + shape.name + "/" + pass; }
};

using Suite = std::vector<Entry>;

void add_token_moe(Suite& suite, const Context& context, const Shape& shape);
void add_segment_moe(Suite& suite, const Context& context, const Shape& shape);
void add_hybrid_moe(Suite& suite, const Context& context, const Shape& shape);
/// A SwiGlu of `multiple` F inner channels: the work of `multiple` experts on every row.
void add_dense_ffn(Suite& suite, const Context& context, const Shape& shape, Index multiple);
std::string dense_ffn_name(Index multiple);

void add_limits(Suite& suite, const Context& context, const Shape& shape);
void add_route(Suite& suite, const Context& context, const Shape& shape);
void add_balanced_assignment(Suite& suite, const Context& context, const Shape& shape);
void add_dispatch(Suite& suite, const Context& context, const Shape& shape);
void add_products(Suite& suite, const Context& context, const Shape& shape);
void add_swiglu(Suite& suite, const Context& context, const Shape& shape);
void add_combine(Suite& suite, const Context& context, const Shape& shape);
void add_balance_loss(Suite& suite, const Context& context, const Shape& shape);
void add_z_loss(Suite& suite, const Context& context, const Shape& shape);
void add_segment(Suite& suite, const Context& context, const Shape& shape);
void add_adamw(Suite& suite, const Context& context, const Shape& shape);

/// All of the above, for one shape after the other.
Suite everything(const Context& context, const std::vector<Shape>& shapes);

}  // namespace moe_bench
