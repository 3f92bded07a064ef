// error: moe/cuda.cuh passes lambdas to device code: compile with nvcc --extended-lambda
#include <moe/cuda.cuh>
