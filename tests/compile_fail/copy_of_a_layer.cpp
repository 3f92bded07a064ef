// error: a layer does not copy; std::move it, or copy weight by weight with for_each_parameter and .copy()
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

void twice() {
  TokenMoE layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, Bank(6, 8, 16));
  auto again = layer;
}
