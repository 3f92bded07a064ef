#include <Eigen/Core>
#include <immintrin.h>
#include <unistd.h>
#include "moe/backend/cpu/gemm.hpp"
#include "moe/backend/shape/shape.hpp"
#include "moe/routing/router/top_k.hpp"
