#include "bench/strategies/limited_capacity.hpp"

#include "moe/cuda.cuh"

template std::vector<moe_bench::Strategy<moe::Cuda>> moe_bench::limited_capacity();
