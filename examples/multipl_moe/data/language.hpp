/// The six programming languages, and which of them the base model has seen plenty of.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

namespace multipl_moe {

enum class Language : std::uint8_t { python, java, cpp, rust, go, ruby };

inline constexpr std::array all_languages{Language::python, Language::java, Language::cpp,
                                          Language::rust,   Language::go,   Language::ruby};
inline constexpr std::size_t language_count = all_languages.size();

/// Position in all_languages, for arrays by language.
constexpr std::size_t index_of(Language language) { return static_cast<std::size_t>(language); }

/// The name in commands and file names, such as "cpp".
std::string_view name_of(Language language);
/// The name in tables, such as "C++".
std::string_view title_of(Language language);

/// Throws UsageError that lists the names.
Language language_named(std::string_view name);

/// By the file name's extension, case and all; empty where it is none of ours.
std::optional<Language> language_of(const std::filesystem::path& file);

/// All of them, such as ".py .java", by language.
std::string known_extensions();

/// By what stands behind a code fence, such as "cpp", "C++" or "rs"; empty where it is none of ours.
std::optional<Language> language_tagged(std::string_view tag);

enum class Resource { high, low };

/// high: in the base model's training; low: new in post-training.
Resource resource_of(Language language);

}  // namespace multipl_moe
