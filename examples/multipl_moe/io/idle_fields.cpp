#include "multipl_moe/io/idle_fields.hpp"

#include <array>

#include "multipl_moe/io/generation_settings.hpp"

namespace multipl_moe {

namespace {

constexpr std::string_view origin = "origin of the file";
constexpr std::string_view way = "how transformers computes or what it returns; the computed values are the same";
constexpr std::string_view of_heads = "settings of classification heads";
constexpr std::string_view of_tokens =
    "settings of tokenizers and generation; ids are used if there is no generation_config.json";
constexpr std::string_view of_losses = "settings of the training loss; see --balance-weight and --z-loss-weight";

constexpr std::array ignored_fields{IdleField{"architectures", origin},
                                    IdleField{"transformers_version", origin},
                                    IdleField{"_name_or_path", origin},
                                    IdleField{"name_or_path", origin},
                                    IdleField{"_commit_hash", origin},
                                    IdleField{"dtype", way},
                                    IdleField{"torch_dtype", way},
                                    IdleField{"use_cache", way},
                                    IdleField{"return_dict", way},
                                    IdleField{"output_attentions", way},
                                    IdleField{"output_hidden_states", way},
                                    IdleField{"tie_last_hidden_states", way},
                                    IdleField{"chunk_size_feed_forward", way},
                                    IdleField{"attn_implementation", way},
                                    IdleField{"_attn_implementation", way},
                                    IdleField{"_attn_implementation_internal", way},
                                    IdleField{"_attn_implementation_autoset", way},
                                    IdleField{"experts_implementation", way},
                                    IdleField{"_experts_implementation", way},
                                    IdleField{"_experts_implementation_internal", way},
                                    IdleField{"distributed_config", way},
                                    IdleField{"gradient_checkpointing", way},
                                    IdleField{"pretraining_tp", way},
                                    IdleField{"torchscript", way},
                                    IdleField{"use_bfloat16", way},
                                    IdleField{"tf_legacy_loss", way},
                                    IdleField{"is_decoder", way},
                                    IdleField{"tie_encoder_decoder", way},
                                    IdleField{"cross_attention_hidden_size", way},
                                    IdleField{"id2label", of_heads},
                                    IdleField{"label2id", of_heads},
                                    IdleField{"num_labels", of_heads},
                                    IdleField{"problem_type", of_heads},
                                    IdleField{"finetuning_task", of_heads},
                                    IdleField{"task_specific_params", of_heads},
                                    IdleField{"classifier_dropout", of_heads},
                                    IdleField{"bos_token_id", of_tokens},
                                    IdleField{"eos_token_id", of_tokens},
                                    IdleField{"pad_token_id", of_tokens},
                                    IdleField{"sep_token_id", of_tokens},
                                    IdleField{"decoder_start_token_id", of_tokens},
                                    IdleField{"tokenizer_class", of_tokens},
                                    IdleField{"prefix", of_tokens},
                                    IdleField{"output_router_logits", of_losses},
                                    IdleField{"router_aux_loss_coef", of_losses}};

constexpr std::array neutral{NeutralField{"is_causal", "true"},
                             NeutralField{"is_encoder_decoder", "false"},
                             NeutralField{"add_cross_attention", "false"},
                             NeutralField{"pruned_heads", "{}"},
                             NeutralField{"per_layer_config", "{}"},
                             NeutralField{"quantization_config", "null"},
                             NeutralField{"compression_config", "null"},
                             NeutralField{"transformers_weights", "null"},
                             NeutralField{"fusion_config", "{}"}};

}  // namespace

std::span<const IdleField> idle_fields() { return ignored_fields; }
std::span<const NeutralField> neutral_fields() { return neutral; }

void require_neutral(const Fields& fields) {
  for (const NeutralField& field : neutral) fields.require_equal(field.name, field.value);
}

std::vector<std::string> unknown_fields(const Fields& fields) {
  for (const IdleField& field : ignored_fields) fields.ignore(field.name);
  ignore_neutral_settings(fields);
  return fields.unread();
}

}  // namespace multipl_moe
