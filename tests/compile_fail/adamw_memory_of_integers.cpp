// error: AdamWMemory: 2nd argument must be float, double or moe::BFloat16
#include "parts.hpp"

#include "moe/train/adamw_memory.hpp"

using namespace moe;
using namespace moe::testing;

AdamWMemory<Shape, int> memory;
