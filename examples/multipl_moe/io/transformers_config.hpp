/// config.json as Hugging Face transformers writes it for mixtures of experts: Qwen2-MoE (Qwen1.5-MoE) and Mixtral.
#pragma once

#include <string>
#include <string_view>

#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/generation_config.hpp"
#include "multipl_moe/io/model_config.hpp"

namespace multipl_moe {

/// Whether model_type is one whose mixture is described in fields of transformers' own.
bool is_of_transformers(const Fields& fields);
/// What transformers takes for sizes that such a file leaves out.
ModelConfig defaults_of_transformers(const Fields& fields);
/// Fills in the mixture. A Qwen2-MoE with norm_topk_prob and a shared expert of width 0 is a Mixtral, which may then
/// have biases. Throws BadFile for what we do not compute: gates that are not normalised beside no shared expert, dense
/// layers among the others, a window over the text.
void read_mixture_of_transformers(const Fields& fields, StoredConfig& stored);

/// How transformers computes what a model of ours does.
enum class TransformersModel {
  qwen2,                ///< Qwen2ForCausalLM: a dense model
  qwen2_moe,            ///< Qwen2MoeForCausalLM: Qwen1.5-MoE
  mixtral,              ///< MixtralForCausalLM: top-k with gates that sum to 1, and no biases
  mixtral_as_qwen2_moe  ///< the same with biases, as Qwen2MoeForCausalLM with a shared expert of width 0
};

/// GShard counts as Mixtral: what it drops, it drops in training only. Throws UsageError that says why where
/// transformers has no such model.
TransformersModel transformers_model(const ModelConfig& config);
/// config.json with every field that transformers needs; ids of special tokens as `generation` has them.
std::string to_transformers_json_text(const ModelConfig& config, std::string_view torch_dtype,
                                      const GenerationConfig& generation);

}  // namespace multipl_moe
