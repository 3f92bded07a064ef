int text[] = {1};  // brackets; and \ in a line must not hide the next one
#include "moe/backend/cpu/cpu.hpp"
#include "moe/moe.hpp"
