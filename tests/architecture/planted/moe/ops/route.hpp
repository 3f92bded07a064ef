#include "moe/policies/router/top_k.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/concepts/router.hpp"
