#include "bench/strategies/balanced.hpp"

#include "moe/backend/cpu/cpu.hpp"

template std::vector<moe_bench::Strategy<moe::Cpu<>>> moe_bench::balanced();
