#include "moe/backend/cpu/cpu.hpp"
#include "moe/train/adamw.hpp"
