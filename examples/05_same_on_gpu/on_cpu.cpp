#include <moe/backend/cpu/cpu.hpp>

#include "run.hpp"
#include "same.hpp"

Outcome on_cpu() { return train<moe::Cpu<>>({}); }
