/// Whether predictions depend on later tokens, measured on text.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/eval/later_tokens.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// A sequence of real text and the token that follows each of its tokens.
struct SuffixText {
  std::string name;  ///< in messages, such as "Python"
  std::vector<Token> tokens, targets;
  std::vector<Language> languages{};  ///< of the sequence; empty if the model need not know it
};

/// Passes have at most as many tokens as `sequences` sequences of `length` tokens, in sequences of `length` at most.
struct CausalityOptions {
  std::int64_t sequences = 4;
  std::int64_t length = 256;
};

struct Causality {
  bool is_by_design = true;  ///< LanguageModel::is_causal()
  PredictionChanges changes;
  std::string text;  ///< name of the text with the largest change
};

/// The first sequence of each language, for passes of `options`. Throws as evaluation_text().
std::vector<SuffixText> suffix_texts(const LanguageFiles& files, const CausalityOptions& options,
                                     const Tokenizer& tokenizer);

/// Replaces all tokens of a text after several cuts (suffix_cuts()) and counts the predictions before the cut that
/// change. A pass has the text and its variants, so that equal prefixes take part in the same matrix products and the
/// rows of a causal model are equal up to the tolerance of its dtype. The first two texts are tried. Nothing is
/// compared if texts have a single token.
Causality measure_causality(const LanguageModel& model, std::span<const SuffixText> texts,
                            const CausalityOptions& options);

/// The largest change of -log p, in nats, that is rounding in a model of this dtype.
double prediction_tolerance(ModelDtype dtype);

/// Throws Failure if the model is causal by design and its predictions changed. `command` is named in the error.
void require_causality(const std::string& command, const Causality& causality);

/// What is to be said of the scores of a model that is not causal by design; empty for a causal one.
std::string look_ahead_text(const Causality& causality);

}  // namespace multipl_moe
