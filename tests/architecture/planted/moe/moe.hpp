#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include <Eigen/Core>
