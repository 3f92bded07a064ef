#include "bench/strategies/segments.hpp"

#include "moe/cuda.cuh"

template std::vector<moe_bench::Strategy<moe::Cuda>> moe_bench::segments();
