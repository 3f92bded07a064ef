/// Every architecture, each defined in the file of its name.
#pragma once

#include "multipl_moe/io/architecture.hpp"

namespace multipl_moe {

extern const Architecture multipl_moe_paper, multipl_moe_causal, multipl_moe_literal, multipl_moe_released,
    multipl_moe_without_segments;
extern const Architecture gshard;
extern const Architecture mixtral;
extern const Architecture qwen15_moe;
extern const Architecture lora;
extern const Architecture mole;

}  // namespace multipl_moe
