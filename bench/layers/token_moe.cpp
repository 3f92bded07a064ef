#include "bench/layers/layer_bench.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

void add_token_moe(Suite& suite, const Context& context, const Shape& shape) {
  using Layer = moe::Mixtral<float, Cpu>;
  add_layer<Layer>(suite, context, shape, "token_moe", dense_ffn_name(shape.chosen), [shape] {
    return Layer(moe::TopK{.k = shape.chosen}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                 moe::ExpertBank<Expert>(shape.experts, shape.width, shape.hidden));
  });
}

}  // namespace moe_bench
