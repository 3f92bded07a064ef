#include "compiled_layers/compiled_layers.hpp"

MOE_INSTANTIATE_KERNELS(, float)
template class moe::Architectures<moe::SwiGlu<float, moe::Cpu<>>>;
