#include "bench/strategies/balanced.hpp"

#include "moe/cuda.cuh"

template std::vector<moe_bench::Strategy<moe::Cuda>> moe_bench::balanced();
