/// The memory of commands that generate text.
#pragma once

#include <span>
#include <string>

#include "multipl_moe/cli/weights_option.hpp"
#include "multipl_moe/eval/generate.hpp"

namespace multipl_moe {

/// The continuation of the prompts with the model in `folder` by `command`. Throws UsageError if
/// copies for decoding were asked for and the model is not causal; as load_config(), read_tokenizer().
InferenceRun generation_run(const std::string& command, const std::string& folder, std::span<const std::string> prompts,
                            const GenerateOptions& options);

/// The weights that decoding reads with --weights float32, bfloat16, int8, or anything else.
DecodingWeights decoding_weights_of(const std::string& weights);

}  // namespace multipl_moe
