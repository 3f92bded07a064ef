#include "bench/layers/layer_bench.hpp"
#include "moe/layers/presets.hpp"

namespace moe_bench {

namespace {

template <class Value>
void add(Suite& suite, const Context& context, const Shape& shape, const std::string& subject) {
  using Layer = moe::Mixtral<Value, Cpu>;
  add_layer<Layer>(suite, context, shape, subject, dense_ffn_name(shape.chosen), [shape] {
    return Layer(moe::TopK{.k = shape.chosen}, moe::SoftmaxOverChosen{}, moe::Unlimited{},
                 moe::ExpertBank<moe::SwiGlu<Value, Cpu>>(shape.experts, shape.width, shape.hidden));
  });
}

}  // namespace

void add_token_moe(Suite& suite, const Context& context, const Shape& shape) {
  add<float>(suite, context, shape, "token_moe");
  add<moe::BFloat16>(suite, context, shape, "token_moe_bf16");
}

}  // namespace moe_bench
