// error: backward: `saved` is consumed; pass it as std::move(saved)
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

void step(const Token& layer, const Shape::Context& context, const Matrix<float, Shape>& d_y_TD, Token::Saved saved,
          Token& gradient) {
  layer.backward(context, d_y_TD, {}, saved, gradient);
}
