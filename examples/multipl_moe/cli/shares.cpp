#include "multipl_moe/cli/shares.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "multipl_moe/cli/options.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"

namespace multipl_moe {

namespace {

using Languages = std::vector<Language>;

std::string list_of(const Languages& languages) {
  std::vector<std::string_view> names;
  for (const Language language : languages) names.push_back(name_of(language));
  return fmt::format("{}", fmt::join(names, ", "));
}

/// Those of `languages` with text in `files`, or without text if `has_text` is false.
Languages those(const Languages& languages, const LanguageFiles& files, bool has_text) {
  Languages chosen;
  std::copy_if(languages.begin(), languages.end(), std::back_inserter(chosen),
               [&](Language language) { return (files[index_of(language)] != nullptr) == has_text; });
  return chosen;
}

void say_missing(const Languages& wanted, const Languages& read, const LanguageFiles& files) {
  if (const Languages missing = those(wanted, files, false); !missing.empty())
    notice("note: --data has no training text for {}; this run reads {}\n", list_of(missing), list_of(read));
}

Languages every_language() { return {all_languages.begin(), all_languages.end()}; }

}  // namespace

LanguageWeights even_shares(const std::vector<std::string>& named, const LanguageFiles& files) {
  Languages read;
  for (const std::string& name : named) read.push_back(language_named(name));
  if (const Languages missing = those(read, files, false); !missing.empty())
    throw UsageError(
        fmt::format("[--languages] each must have training text in --data, found none for {}; --data has {}",
                    list_of(missing), list_of(those(every_language(), files, true))));
  if (named.empty()) {
    const Languages usual{Language::python, Language::java, Language::cpp};
    read = those(usual, files, true);
    if (read.empty()) read = those(every_language(), files, true);
    say_missing(usual, read, files);
  }
  LanguageWeights weights{};
  for (const Language language : read) weights[index_of(language)] = 1;
  return weights;
}

LanguageWeights mixed_shares(const std::string& mix, const LanguageFiles& files) {
  const std::pair<double, double> groups = parse_mix(mix);  // clang 14: a lambda cannot capture a structured binding
  const LanguageWeights weights = grouped_weights(groups.first, groups.second, present_in(files));
  Languages read;
  for (const Language language : all_languages)
    if (weights[index_of(language)] > 0) read.push_back(language);
  if (read.empty())
    throw UsageError(
        fmt::format("[--mix] must give tokens to a language with training text in --data, found {} and text of {}", mix,
                    list_of(those(every_language(), files, true))));
  Languages wanted = every_language();
  std::erase_if(wanted,
                [&](Language l) { return (resource_of(l) == Resource::low ? groups.first : groups.second) == 0; });
  say_missing(wanted, read, files);
  return weights;
}

}  // namespace multipl_moe
