/// The shares of the languages in training, from its options and the available text.
#pragma once

#include <string>
#include <vector>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/data/mixture.hpp"

namespace multipl_moe {

/// Equal shares of the languages in `named`, which must have training text in `files`. If none is named, of those of
/// python, java and cpp that have text, or if none of these has, of all that have. A notice names the usual languages
/// without text. Throws UsageError.
LanguageWeights even_shares(const std::vector<std::string>& named, const LanguageFiles& files);

/// Shares by `mix`, parsed by parse_mix(), of the low- and the high-resource languages in `files`. A notice names those
/// without training text. Throws UsageError, also if no language is left to read.
LanguageWeights mixed_shares(const std::string& mix, const LanguageFiles& files);

}  // namespace multipl_moe
