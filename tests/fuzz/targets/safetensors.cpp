#include "fuzz/safetensors_property.hpp"

namespace multipl_moe::fuzz {

const Registered safetensors("safetensors", takes_safetensors);

}  // namespace multipl_moe::fuzz
