// error: Glu: 4th argument must be WithBiases or WithoutBiases
#include "parts.hpp"

using namespace moe;
using namespace moe::testing;

Glu<Silu, float, Shape, bool> expert;
