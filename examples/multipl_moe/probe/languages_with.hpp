#pragma once

#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::probe {

/// The languages of which `by_language`, an array of optional values by index_of(), has one.
std::vector<Language> languages_with(const auto& by_language) {
  std::vector<Language> languages;
  for (const Language language : all_languages)
    if (by_language[index_of(language)]) languages.push_back(language);
  return languages;
}

}  // namespace multipl_moe::probe
