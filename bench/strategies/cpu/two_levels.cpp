#include "bench/strategies/two_levels.hpp"

#include "moe/backend/cpu/cpu.hpp"

template std::vector<moe_bench::Strategy<moe::Cpu<>>> moe_bench::two_levels();
