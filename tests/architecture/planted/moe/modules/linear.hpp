#include "moe/ops/route.hpp"
#include "moe/layers/token_moe.hpp"
