/// The regular expression by which a tokenizer cuts text into words, from a file that nobody vouches for.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace multipl_moe {

/// What byte-level Qwen tokenizers cut by.
inline constexpr std::string_view qwen_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// `pattern`, written for Oniguruma (which the files' authors use), so that PCRE2 reads the same in it. Only what means
/// the same in both is let through: characters, classes, \s, \S, \p of L, M and N, groups, (?i:...), looking ahead and
/// behind, |, quantifiers. Throws BadFile naming `path` and the rule that anything else breaks.
std::string pcre2_pattern(std::string_view pattern, const std::filesystem::path& path);

}  // namespace multipl_moe
