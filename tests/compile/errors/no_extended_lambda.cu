// error: moe/cuda.cuh hands lambdas to the device: compile with nvcc --extended-lambda
#include <moe/cuda.cuh>
