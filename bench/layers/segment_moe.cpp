#include "bench/layers/layer_bench.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

void add_segment_moe(Suite& suite, const Context& context, const Shape& shape) {
  using Layer = decltype(moe::CausalMultiPlMoe<float, Cpu>::segment);
  // Capacity factor 1: all experts together select as many rows as there are.
  add_layer<Layer>(suite, context, shape, "segment_moe", dense_ffn_name(1), [shape] {
    return Layer(moe::FixedWindow{.window = window_of(shape)}, moe::PreviousMean<float, Cpu>(shape.width), {},
                 moe::SoftmaxOverAll{}, moe::SegmentCapacity{.factor = 1},
                 moe::ExpertBank<Expert>(shape.experts, shape.width, shape.hidden));
  });
}

}  // namespace moe_bench
