// error: decode: later rows take part in this layer's choices (is_causal is false), so it needs whole sequences
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

void generate(const Segment& layer, const Shape::Context& context) {
  auto state = layer.begin_decoding(context, 2);
  state.length[0] = 0;
}
