/// Reports as plain text for people.
#pragma once

#include <string>
#include <string_view>

#include "multipl_moe/data/prepare.hpp"
#include "multipl_moe/eval/evaluate.hpp"

namespace multipl_moe {

/// Documents and bytes by language and split, and what the filters left out.
std::string prepare_table(const PrepareReport& report);

/// Loss, bits per byte and accuracy by language, and the means of both kinds.
std::string evaluation_table(const Evaluation& evaluation);
std::string evaluation_json(const Evaluation& evaluation);

/// Generated text can be anything: fit for a terminal, where control characters and what is not UTF-8 become `\xNN`.
/// Line ends and tabs stay, and so do backslashes: this is for reading, not for reading back.
std::string printable_text(std::string_view text);

}  // namespace multipl_moe
