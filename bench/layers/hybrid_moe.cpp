#include "bench/layers/layer_bench.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

void add_hybrid_moe(Suite& suite, const Context& context, const Shape& shape) {
  using Layer = moe::CausalMultiPlMoe<float, Cpu>;
  add_layer<Layer>(suite, context, shape, "hybrid_moe", dense_ffn_name(shape.chosen + 1), [shape] {
    return moe::make_multipl<Layer>({.width = shape.width,
                                     .hidden = shape.hidden,
                                     .token_experts = shape.experts,
                                     .segment_experts = shape.experts,
                                     .k = shape.chosen,
                                     .window = window_of(shape)});
  });
}

}  // namespace moe_bench
