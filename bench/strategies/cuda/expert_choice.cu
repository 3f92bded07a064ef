#include "bench/strategies/expert_choice.hpp"

#include "moe/cuda.cuh"

template std::vector<moe_bench::Strategy<moe::Cuda>> moe_bench::expert_choice();
