#include "multipl_moe/data/language.hpp"

#include <fmt/format.h>

#include <string>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

struct Row {
  std::string_view name;
  std::string_view title;
  Resource resource;
};

constexpr std::array<Row, language_count> rows{{{"python", "Python", Resource::high},
                                                {"java", "Java", Resource::high},
                                                {"cpp", "C++", Resource::high},
                                                {"rust", "Rust", Resource::low},
                                                {"go", "Go", Resource::low},
                                                {"ruby", "Ruby", Resource::low}}};

struct Extension {
  std::string_view text;
  Language language;
};

constexpr std::array extension_table{
    Extension{".py", Language::python}, Extension{".java", Language::java}, Extension{".cpp", Language::cpp},
    Extension{".cc", Language::cpp},    Extension{".cxx", Language::cpp},   Extension{".hpp", Language::cpp},
    Extension{".hxx", Language::cpp},   Extension{".ipp", Language::cpp},   Extension{".h", Language::cpp},
    Extension{".rs", Language::rust},   Extension{".go", Language::go},     Extension{".rb", Language::ruby}};

struct Tag {
  std::string_view text;
  Language language;
};

/// Tags of Markdown code fences, in lower case; every language name is a tag too.
constexpr std::array tags{Tag{"py", Language::python}, Tag{"python3", Language::python}, Tag{"c++", Language::cpp},
                          Tag{"cc", Language::cpp},    Tag{"cxx", Language::cpp},        Tag{"hpp", Language::cpp},
                          Tag{"rs", Language::rust},   Tag{"golang", Language::go},      Tag{"rb", Language::ruby}};

}  // namespace

std::string_view name_of(Language language) { return rows[index_of(language)].name; }

std::string_view title_of(Language language) { return rows[index_of(language)].title; }

Resource resource_of(Language language) { return rows[index_of(language)].resource; }

Language language_named(std::string_view name) {
  std::string valid;
  for (const Language language : all_languages) {
    if (name_of(language) == name) return language;
    valid += fmt::format("{}{}", valid.empty() ? "" : ", ", name_of(language));
  }
  throw UsageError(fmt::format("[language] must be one of {}, found '{}'", valid, escaped(name)));
}

std::optional<Language> language_tagged(std::string_view tag) {
  std::string lower(tag);
  for (char& c : lower)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  for (const Language language : all_languages)
    if (name_of(language) == lower) return language;
  for (const Tag& known : tags)
    if (known.text == lower) return known.language;
  return std::nullopt;
}

std::string known_extensions() {
  std::string list;
  for (const Extension& extension : extension_table)
    list += fmt::format("{}{}", list.empty() ? "" : " ", extension.text);
  return list;
}

std::optional<Language> language_of(const std::filesystem::path& file) {
  const std::string text = file.extension().native();
  for (const Extension& extension : extension_table)
    if (extension.text == text) return extension.language;
  return std::nullopt;
}

}  // namespace multipl_moe
