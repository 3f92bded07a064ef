/// The results of `probe leak` as text.
#pragma once

#include <string>

#include "multipl_moe/probe/leak.hpp"

namespace multipl_moe::probe {

/// A sentence that says what was found.
std::string verdict_text(const LeakReport& report);

/// A page in Markdown: the verdict, the random letters beside what a causal model can know, and all texts.
std::string leak_page(const LeakReport& report, const std::string& model);

/// Lines of text,measure,value,error,bound. A field without a value is empty.
///
///     accuracy           share of tokens that were the most probable next token; bound: the most on average
///     bits_per_byte      bound: the fewest on average
///     surprise_bits      a causal model has these scores with a probability of at most 2^-value
///     changed            share of predictions that change when only later tokens are replaced
///     claimed            bits per byte of some tokens, scored with their batch
///     decodable          bits per byte of the same tokens, each scored with its prefix alone
///     last_half          share of segments and layers whose experts change when the segment's last half is replaced
///     neighbors          share of tokens, segments and layers whose experts change when other sequences are replaced
std::string leak_csv(const LeakReport& report);
std::string leak_json(const LeakReport& report);

}  // namespace multipl_moe::probe
