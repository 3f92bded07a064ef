// error: backward: 5th argument must be a gradient of this layer's own type, such as gradient_for(layer) makes
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

void step(const Token& layer, const Shape::Context& context, const Matrix<float, Shape>& d_y_TD, Token::Saved saved,
          Segment& gradient) {
  layer.backward(context, d_y_TD, {}, std::move(saved), gradient);
}
