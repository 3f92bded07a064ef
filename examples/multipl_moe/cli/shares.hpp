/// How much of which language a training reads, by its options and by what there is.
#pragma once

#include <string>
#include <vector>

#include "multipl_moe/data/batch_stream.hpp"
#include "multipl_moe/data/mixture.hpp"

namespace multipl_moe {

/// Equal shares. Languages in `named` must have training text in `files`; where none is named, those of python, java
/// and cpp that have some, or, where none of these has, all that have. A notice names what is passed over. Throws
/// UsageError.
LanguageWeights even_shares(const std::vector<std::string>& named, const LanguageFiles& files);

/// `mix` as parse_mix() reads it, between the low- and the high-resource languages in `files`. A notice names those
/// without training text. Throws UsageError, also where nothing is left to read.
LanguageWeights mixed_shares(const std::string& mix, const LanguageFiles& files);

}  // namespace multipl_moe
