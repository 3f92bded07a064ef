/// Every architecture and every class of transformers, each defined in the file of its name.
#pragma once

#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/io/transformers_family.hpp"

namespace multipl_moe {

extern const Architecture multipl_moe_paper, multipl_moe_causal, multipl_moe_literal, multipl_moe_released,
    multipl_moe_without_segments;
extern const Architecture gshard;
extern const Architecture mixtral;
extern const Architecture qwen15_moe;
extern const Architecture lora;
extern const Architecture mole;

extern const TransformersFamily qwen2;
extern const TransformersFamily mixtral_family;
extern const TransformersFamily qwen2_moe;
extern const TransformersFamily qwen3;
extern const TransformersFamily qwen3_moe;

}  // namespace multipl_moe
