#include "bench/layers/layer_bench.hpp"

namespace moe_bench {

std::string dense_ffn_name(Index multiple) { return "dense_ffn_x" + std::to_string(multiple); }

void add_dense_ffn(Suite& suite, const Context& context, const Shape& shape, Index multiple) {
  const std::string name = dense_ffn_name(multiple);
  add_layer<Expert>(suite, context, shape, name, {},
                    [shape, multiple] { return Expert(shape.width, multiple * shape.hidden); });
}

}  // namespace moe_bench
