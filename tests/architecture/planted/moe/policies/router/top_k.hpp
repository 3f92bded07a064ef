// Across the wall, whatever the spelling:
#  include <moe/backend/cpu/cpu.hpp>
#include "moe/policies/capacity/unlimited.hpp"
#include "moe/concepts/router.hpp"
