#include "bench/strategies/shared_experts.hpp"

#include "moe/backend/cpu/cpu.hpp"

template std::vector<moe_bench::Strategy<moe::Cpu<>>> moe_bench::shared_experts();
