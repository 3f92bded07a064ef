// error: Glu: 1st argument must be an Activation such as Silu
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

Glu<TopK, float, Shape> expert;
