// error: SwiGlu: 2nd argument must be a Backend such as Cpu<>
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

SwiGlu<Shape, float> expert;
