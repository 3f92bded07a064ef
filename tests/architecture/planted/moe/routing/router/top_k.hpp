// Across the wall, whatever the spelling:
#  include <moe/backend/cpu/cpu.hpp>
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/router/router.hpp"
