// error: backward: `saved` is const and cannot be consumed; take forward's result by auto, not by const auto
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

void step(const Hybrid& layer, const Shape::Context& context, const Matrix<float, Shape>& d_y_TD,
          const Hybrid::Saved& saved, Hybrid& gradient) {
  layer.backward(context, d_y_TD, {}, std::move(saved), gradient);
}
