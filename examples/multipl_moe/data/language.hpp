/// The six programming languages, and whether the base model's training data had many or few texts in each.
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

/// Index in all_languages, for arrays by language.
constexpr std::size_t index_of(Language language) { return static_cast<std::size_t>(language); }

/// The name in commands and file names, such as "cpp".
std::string_view name_of(Language language);
/// The name in tables, such as "C++".
std::string_view title_of(Language language);

/// The language of that name. Throws UsageError, which lists the names, if there is none.
Language language_named(std::string_view name);

/// The language of the file name's extension, which is case-sensitive; empty if the extension is unknown.
std::optional<Language> language_of(const std::filesystem::path& file);

/// All known extensions, such as ".py .java", ordered by language.
std::string known_extensions();

/// The language of a code fence's tag, such as "cpp", "C++" or "rs"; empty if the tag is unknown.
std::optional<Language> language_tagged(std::string_view tag);

enum class Resource { high, low };

/// high: in the base model's training; low: new in post-training.
Resource resource_of(Language language);

}  // namespace multipl_moe
