// error: weights of float or double are packed in their own type, or floats as moe::BFloat16
#include "moe/backend/cpu/cpu.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/train/pack_weights.hpp"

using namespace moe;

void call(const SwiGlu<double, Cpu<>>& layer) { pack_weights<BFloat16>(CpuContext{}, layer); }
