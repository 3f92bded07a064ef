#include "moe/ops/linear.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/router/top_k.hpp"
