#include "multipl_moe/io/generation_settings.hpp"

#include <array>

namespace multipl_moe {

namespace {

/// Any value is neutral: the setting affects how results are computed or returned, or only has an effect together with
/// another setting.
constexpr std::string_view any;

constexpr std::array settings{GenerationSetting{"max_length", "20"},
                              GenerationSetting{"max_new_tokens", "null"},
                              GenerationSetting{"min_length", "0"},
                              GenerationSetting{"min_new_tokens", "0"},
                              GenerationSetting{"early_stopping", any},
                              GenerationSetting{"max_time", "null"},
                              GenerationSetting{"stop_strings", "[]"},
                              GenerationSetting{"do_sample", "false"},
                              GenerationSetting{"num_beams", "1"},
                              GenerationSetting{"num_beam_groups", "1"},
                              GenerationSetting{"diversity_penalty", any},
                              GenerationSetting{"length_penalty", any},
                              GenerationSetting{"use_mtp", "false"},
                              GenerationSetting{"use_cache", any},
                              GenerationSetting{"cache_implementation", any},
                              GenerationSetting{"cache_config", any},
                              GenerationSetting{"max_cache_len", any},
                              GenerationSetting{"temperature", "1"},
                              GenerationSetting{"top_k", "50"},
                              GenerationSetting{"top_p", "1"},
                              GenerationSetting{"min_p", "0"},
                              GenerationSetting{"top_h", "null"},
                              GenerationSetting{"typical_p", "1"},
                              GenerationSetting{"epsilon_cutoff", "0"},
                              GenerationSetting{"eta_cutoff", "0"},
                              GenerationSetting{"repetition_penalty", "1"},
                              GenerationSetting{"encoder_repetition_penalty", "1"},
                              GenerationSetting{"no_repeat_ngram_size", "0"},
                              GenerationSetting{"encoder_no_repeat_ngram_size", "0"},
                              GenerationSetting{"bad_words_ids", "[]"},
                              GenerationSetting{"renormalize_logits", any},
                              GenerationSetting{"remove_invalid_values", any},
                              GenerationSetting{"forced_bos_token_id", "null"},
                              GenerationSetting{"forced_eos_token_id", "null"},
                              GenerationSetting{"exponential_decay_length_penalty", "null"},
                              GenerationSetting{"suppress_tokens", "[]"},
                              GenerationSetting{"begin_suppress_tokens", "[]"},
                              GenerationSetting{"sequence_bias", "null"},
                              GenerationSetting{"token_healing", "false"},
                              GenerationSetting{"guidance_scale", "1"},
                              GenerationSetting{"watermarking_config", "null"},
                              GenerationSetting{"num_return_sequences", "1"},
                              GenerationSetting{"output_attentions", any},
                              GenerationSetting{"output_hidden_states", any},
                              GenerationSetting{"output_scores", any},
                              GenerationSetting{"output_logits", any},
                              GenerationSetting{"return_dict_in_generate", any},
                              GenerationSetting{"decoder_start_token_id", any},
                              GenerationSetting{"is_assistant", any},
                              GenerationSetting{"num_assistant_tokens", any},
                              GenerationSetting{"num_assistant_tokens_schedule", any},
                              GenerationSetting{"assistant_confidence_threshold", any},
                              GenerationSetting{"assistant_early_exit", any},
                              GenerationSetting{"assistant_lookbehind", any},
                              GenerationSetting{"assistant_ensemble_weight", any},
                              GenerationSetting{"target_lookbehind", any},
                              GenerationSetting{"prompt_lookup_num_tokens", any},
                              GenerationSetting{"max_matching_ngram_size", any},
                              GenerationSetting{"speculation_type", any},
                              GenerationSetting{"compile_config", any},
                              GenerationSetting{"disable_compile", any},
                              GenerationSetting{"continuous_batching_config", any},
                              GenerationSetting{"low_memory", any},
                              GenerationSetting{"prefill_chunk_size", any},
                              GenerationSetting{"penalty_alpha", "0"},
                              GenerationSetting{"dola_layers", "null"},
                              GenerationSetting{"constraints", "null"},
                              GenerationSetting{"force_words_ids", "null"},
                              GenerationSetting{"_from_model_config", any},
                              GenerationSetting{"transformers_version", any}};

}  // namespace

std::span<const GenerationSetting> generation_settings() { return settings; }

void ignore_neutral_settings(const Fields& fields) {
  for (const auto& [name, neutral] : settings)
    if (neutral.empty() || fields.is_absent_or(name, neutral)) fields.ignore(name);
}

}  // namespace multipl_moe
