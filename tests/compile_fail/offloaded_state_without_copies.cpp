// error: Backend: it has no pinned host memory and no copies beside its work, which Offloaded and Snapshot need
#include "parts.hpp"

#include "moe/train/adamw_state.hpp"

using namespace moe;
using namespace moe::testing;

AdamWState<Shape, float, MasterWeights::float32, Offloaded> memory;
