#include "bench/strategies/shared_experts.hpp"

#include "moe/cuda.cuh"

template std::vector<moe_bench::Strategy<moe::Cuda>> moe_bench::shared_experts();
