#include "compiled_layers/compiled_layers.hpp"

MOE_INSTANTIATE_KERNELS(, double)
template class moe::Architectures<moe::SwiGlu<double, moe::Cpu<>>>;
