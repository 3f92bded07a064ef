#pragma once

#include "moe/core/activation.hpp"
#include "moe/experts/glu.hpp"

namespace moe {

/// FFN(x) = W_down (silu(W_gate x) * (W_up x)) without biases: the dense FFN and the experts of Qwen.
template <class Value, class Backend>
using SwiGlu = Glu<Silu, Value, Backend>;

}  // namespace moe
