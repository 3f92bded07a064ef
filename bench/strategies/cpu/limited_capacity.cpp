#include "bench/strategies/limited_capacity.hpp"

#include "moe/backend/cpu/cpu.hpp"

template std::vector<moe_bench::Strategy<moe::Cpu<>>> moe_bench::limited_capacity();
