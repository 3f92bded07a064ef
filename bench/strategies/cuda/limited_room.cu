#include "bench/strategies/limited_room.hpp"

#include "moe/cuda.cuh"

template std::vector<moe_bench::Strategy<moe::Cuda>> moe_bench::limited_room();
