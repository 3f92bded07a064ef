/// Reports as plain text.
#pragma once

#include <string>
#include <string_view>

#include "multipl_moe/data/prepare.hpp"
#include "multipl_moe/eval/causality.hpp"
#include "multipl_moe/eval/evaluate.hpp"

namespace multipl_moe {

/// Documents and bytes by language and split, and the number of files that the filters dropped.
std::string prepare_table(const PrepareReport& report);

/// Loss, bits per byte and accuracy by language, and the mean bits per byte of high- and of low-resource languages.
std::string evaluation_table(const Evaluation& evaluation);
/// The same without the means; `causal`, whether the model is by design, and `changed_predictions`, the share that
/// depends on later tokens, or null if none was compared.
std::string evaluation_json(const Evaluation& evaluation, const Causality& causality);

/// Generated text made safe for a terminal: control characters and bytes that are not UTF-8 become `\xNN`. Line ends,
/// tabs and backslashes stay, so the result cannot be parsed back.
std::string printable_text(std::string_view text);

}  // namespace multipl_moe
