#pragma once

#include "moe/core/activation.hpp"
#include "moe/experts/glu.hpp"

namespace moe {

/// FFN(x) = W_down (silu(W_gate x) * (W_up x)), no biases: the dense layer of Qwen, and each expert.
template <class Value, class Backend>
using SwiGlu = Glu<Silu, Value, Backend>;

}  // namespace moe
