// error: backward: 4th argument must be the `saved` that this layer's own forward returned
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

void step(const Segment& layer, const Shape::Context& context, const Matrix<float, Shape>& d_y_TD, Token::Saved saved,
          Segment& gradient) {
  layer.backward(context, d_y_TD, {}, std::move(saved), gradient);
}
