/// The regular expression by which a tokenizer splits text into words, from an untrusted file.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace multipl_moe {

/// The pattern of byte-level Qwen tokenizers.
inline constexpr std::string_view qwen_pattern =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

/// The same where a word has up to `digits` digits, from 1, as Qwen's, to most_digits, as Llama 3's.
std::string pattern_with_digits(int digits);
inline constexpr int most_digits = 3;

/// Translates `pattern` from Oniguruma, which the authors of tokenizer files use, to PCRE2 with the same meaning. Only
/// constructs with the same meaning in both are accepted: characters, classes, \s, \S, \p of L, M and N, groups,
/// (?i:...), lookahead and lookbehind, |, quantifiers. Throws BadFile, which names `path` and the violated rule, for
/// any other.
std::string pcre2_pattern(std::string_view pattern, const std::filesystem::path& path);

}  // namespace multipl_moe
