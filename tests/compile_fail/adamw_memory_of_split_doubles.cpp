// error: AdamWMemory: weights with moments in double are whole, with MasterWeights::float32
#include "parts.hpp"

#include "moe/train/adamw_memory.hpp"

using namespace moe;
using namespace moe::testing;

AdamWMemory<Shape, double, MasterWeights::split> memory;
