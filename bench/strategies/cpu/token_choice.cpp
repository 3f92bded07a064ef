#include "bench/strategies/token_choice.hpp"

#include "moe/backend/cpu/cpu.hpp"

template std::vector<moe_bench::Strategy<moe::Cpu<>>> moe_bench::token_choice();
