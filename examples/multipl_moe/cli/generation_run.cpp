#include "multipl_moe/cli/generation_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "multipl_moe/cli/text_of_model.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/train/checkpoint.hpp"

namespace multipl_moe {

InferenceRun generation_run(const std::string& command, const std::string& folder, std::span<const std::string> prompts,
                            const GenerateOptions& options) {
  const ModelConfig config = load_config(folder);
  const auto tokenizer = read_tokenizer(model_folder(folder));
  require_tokenizer_fits(folder, config, *tokenizer);
  const bool makes_copies = options.weights == DecodingWeights::bfloat16 || options.weights == DecodingWeights::int8;
  if (makes_copies && !make_layer_shape(config).is_causal())
    throw UsageError(fmt::format(
        "[{}] --weights {} makes copies for decoding token by token, found a model whose routing depends on "
        "later tokens, which is computed again for the whole text with every token; use --weights float32",
        command, options.weights == DecodingWeights::int8 ? "int8" : "bfloat16"));
  const std::int64_t wanted = options.max_new_tokens.value_or(
      options.usual_new_tokens.value_or(options.usual_length.value_or(default_new_tokens)));
  GenerationSize size{
      .prompt_tokens = {}, .new_tokens = std::min(wanted, config.longest_text()), .batch = options.batch_size};
  for (const std::string& prompt : prompts)
    size.prompt_tokens.push_back(static_cast<std::int64_t>(tokenizer->encode(prompt).size()));
  // Weights in float32 may all be exact in bfloat16. Loading shows it, and the memory of the copies is checked then.
  DecodingWeights copies = options.weights;
  if (copies == DecodingWeights::bfloat16_where_exact)
    copies = stored_dtype(folder) == "bfloat16" ? DecodingWeights::bfloat16 : DecodingWeights::as_they_are;
  const auto plan = [config, size, copies](WeightsForm form) {
    GenerationSize with_form = size;
    with_form.weights = form;
    if (form.place == WeightsPlace::memory && form.dtype == ModelDtype::float32) with_form.copies = copies;
    return generation_plan(config, with_form);
  };
  return {command, /*decodes=*/true, plan, "a smaller --batch-size or --max-new-tokens or a shorter prompt"};
}

DecodingWeights decoding_weights_of(const std::string& weights) {
  return weights == "float32"    ? DecodingWeights::as_they_are
         : weights == "bfloat16" ? DecodingWeights::bfloat16
         : weights == "int8"     ? DecodingWeights::int8
                                 : DecodingWeights::bfloat16_where_exact;
}

}  // namespace multipl_moe
