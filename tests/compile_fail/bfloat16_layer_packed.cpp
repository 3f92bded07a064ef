// error: layers of moe::BFloat16 read their weights as they are
#include "moe/backend/cpu/cpu.hpp"
#include "moe/ops/linear.hpp"
#include "moe/train/pack_weights.hpp"

using namespace moe;

CpuContext run(const Linear<BFloat16, Cpu<>>& layer) { return pack_weights(CpuContext{}, layer); }
