#include "bench/strategies/two_levels.hpp"

#include "moe/cuda.cuh"

template std::vector<moe_bench::Strategy<moe::Cuda>> moe_bench::two_levels();
