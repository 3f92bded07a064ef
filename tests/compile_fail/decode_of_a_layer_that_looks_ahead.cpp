// error: decode: later rows take part in this layer's choices (is_causal is false), so it needs whole sequences
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

void generate(const Hybrid& layer, const Shape::Context& context, const Matrix<float, Shape>& x_BD,
              Hybrid::DecodingState& state) {
  layer.decode(context, x_BD, {}, state);
}
