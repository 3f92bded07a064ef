// error: AdamWState: 2nd argument must be float, double or moe::BFloat16
#include "parts.hpp"

#include "moe/train/adamw_state.hpp"

using namespace moe;
using namespace moe::testing;

AdamWState<Shape, int> memory;
