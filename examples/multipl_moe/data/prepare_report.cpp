#include <nlohmann/json.hpp>

#include "multipl_moe/data/prepare.hpp"

namespace multipl_moe {

namespace {

using Json = nlohmann::ordered_json;

Json json_of(const LanguageReport& report) {
  Json filtered = Json::object();
  for (const Filter filter : all_filters) filtered[std::string(name_of(filter))] = report.filtered[index_of(filter)];
  Json splits = Json::object();
  for (const Split split : all_splits) {
    const SplitReport& counts = report.splits[index_of(split)];
    splits[std::string(name_of(split))] = {{"documents", counts.documents},
                                           {"bytes", counts.bytes},
                                           {"tokens", counts.tokens},
                                           {"over_limit", counts.over_limit}};
  }
  return {{"files", report.files}, {"filtered", filtered}, {"splits", splits}};
}

}  // namespace

std::string to_json_text(const PrepareReport& report) {
  Json languages = Json::object();
  for (const Language language : all_languages)
    languages[std::string(name_of(language))] = json_of(report.languages[index_of(language)]);
  const Json json{
      {"other_files", report.other_files}, {"unreadable_folders", report.unreadable_folders}, {"languages", languages}};
  return json.dump(2) + "\n";
}

}  // namespace multipl_moe
