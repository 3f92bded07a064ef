#include "compiled_layers/compiled_layers.hpp"

template class moe::Architectures<moe::SwiGlu<moe::BFloat16, moe::Cpu<>>>;
