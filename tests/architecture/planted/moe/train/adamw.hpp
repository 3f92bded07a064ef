#include "moe/layers/token_moe.hpp"
#include "moe/runtime/registry.hpp"
