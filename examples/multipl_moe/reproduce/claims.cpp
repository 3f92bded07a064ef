#include "multipl_moe/reproduce/claims.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "multipl_moe/reproduce/sections.hpp"

namespace multipl_moe::reproduce {

namespace {

constexpr std::array<std::pair<std::string_view, Measure>, 5> measure_names{
    {{"score", Measure::score},
     {"expert-information", Measure::expert_information},
     {"segment-information", Measure::segment_information},
     {"expert-spread", Measure::expert_spread},
     {"position-agreement", Measure::position_agreement}}};
constexpr std::array<std::pair<std::string_view, Direction>, 5> direction_names{{{"better", Direction::better},
                                                                                 {"worse", Direction::worse},
                                                                                 {"kept", Direction::kept},
                                                                                 {"above", Direction::above},
                                                                                 {"below", Direction::below}}};

template <class Names>
auto named(const Section& section, std::string_view key, const Names& names) {
  std::vector<std::string_view> choices;
  for (const auto& [name, unused] : names) choices.push_back(name);
  const std::string& chosen = section.choice(key, choices);
  return std::find_if(names.begin(), names.end(), [&](const auto& entry) { return entry.first == chosen; })->second;
}

double not_negative_number(const Section& section, std::string_view key) {
  const double number = section.number(key);
  if (number < 0) section.refuse(key, "must not be negative");
  return number;
}

bool compares_systems(Direction direction) { return direction != Direction::above && direction != Direction::below; }

Claim claim_of(const Section& section) {
  Claim claim{.id = section.name(),
              .sentence = section.text("sentence"),
              .source = section.text("source"),
              .family = section.text("family"),
              .measure = named(section, "measure", measure_names),
              .direction = named(section, "direction", direction_names),
              .a = section.text("a"),
              .b = {},
              .languages = section.texts("languages"),
              .layer = {},
              .margin = not_negative_number(section, "margin"),
              .text_a = {},
              .text_margin = 0};
  for (const std::string& group : claim.languages)
    if (languages_of_group(group).empty()) section.refuse("languages", "must be high, low, all or names of languages");
  const bool is_score = claim.measure == Measure::score;
  if (compares_systems(claim.direction) != is_score)
    section.refuse("direction", is_score ? "must be better, worse or kept for scores, which are compared"
                                         : "must be above or below for a measure of one system");
  section.require_known(is_score ? std::set<std::string_view>{"sentence", "source", "family", "measure", "direction",
                                                              "a", "b", "languages", "margin", "text_a", "text_margin"}
                                 : std::set<std::string_view>{"sentence", "source", "family", "measure", "direction",
                                                              "a", "languages", "layer", "margin"});
  if (!is_score) {
    claim.layer = section.choice("layer", {"bottom", "middle", "top"});
    return claim;
  }
  claim.b = section.texts("b");
  if (std::find(claim.b.begin(), claim.b.end(), claim.a) != claim.b.end())
    section.refuse("b", "must not name the system of 'a'");
  if (section.has("text_a") != section.has("text_margin"))
    section.refuse(section.has("text_a") ? "text_a" : "text_margin", "must come with both of text_a and text_margin");
  if (section.has("text_a")) {
    claim.text_a = section.text("text_a");
    claim.text_margin = not_negative_number(section, "text_margin");
  }
  return claim;
}

}  // namespace

std::vector<Claim> parse_claims(std::string_view text, const std::filesystem::path& path) {
  std::vector<Claim> claims;
  for (const Section& section : parse_sections(text, path)) claims.push_back(claim_of(section));
  return claims;
}

std::vector<Language> languages_of_group(std::string_view group) {
  std::vector<Language> languages;
  for (const Language language : all_languages) {
    const std::string_view resource = resource_of(language) == Resource::high ? "high" : "low";
    if (group == "all" || group == resource || group == multipl_moe::name_of(language)) languages.push_back(language);
  }
  return languages;
}

std::string_view name_of(Measure measure) {
  return std::find_if(measure_names.begin(), measure_names.end(), [=](const auto& m) { return m.second == measure; })
      ->first;
}
std::string_view name_of(Direction direction) {
  return std::find_if(direction_names.begin(), direction_names.end(),
                      [=](const auto& d) { return d.second == direction; })
      ->first;
}

}  // namespace multipl_moe::reproduce
