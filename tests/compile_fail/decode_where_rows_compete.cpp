// error: decode: later rows take part in this layer's choices (is_causal is false), so it needs whole sequences
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

using Competing = TokenMoE<ExpertChoice, SoftmaxOverAll, SegmentCapacity, SwiGlu<float, Shape>>;

void generate(const Competing& layer, const Shape::Context& context) {
  auto state = layer.begin_decoding(context, 2);
  static_cast<void>(state);
}
