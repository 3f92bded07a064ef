#include "moe/routing/steps/choose.hpp"
#include "moe/layers/token_moe.hpp"
