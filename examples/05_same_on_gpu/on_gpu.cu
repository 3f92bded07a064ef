#include <moe/cuda.cuh>

#include "run.hpp"
#include "same.hpp"

Outcome on_gpu() { return train<moe::Cuda>({}); }
