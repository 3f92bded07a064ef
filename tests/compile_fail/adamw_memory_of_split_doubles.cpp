// error: AdamWState: moments in double require MasterWeights::float32
#include "parts.hpp"

#include "moe/train/adamw_state.hpp"

using namespace moe;
using namespace moe::testing;

AdamWState<Shape, double, MasterWeights::split> memory;
