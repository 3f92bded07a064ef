#include "moe/routing/router/top_k.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/routing/router/router.hpp"
