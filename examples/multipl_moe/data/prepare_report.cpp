#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/data/prepare.hpp"
#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/strict_json.hpp"

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
  return {{"files", report.files}, {"filtered", filtered}, {"excluded", report.excluded}, {"splits", splits}};
}

}  // namespace

std::string to_json_text(const PrepareReport& report) {
  Json languages = Json::object();
  for (const Language language : all_languages)
    languages[std::string(name_of(language))] = json_of(report.languages[index_of(language)]);
  const Json tokenizer{{"name", escaped(report.tokenizer, 4096)},
                       {"tokens", report.tokenizer_tokens},
                       {"hash", fmt::format("{:016x}", report.tokenizer_hash)}};
  Json exclude = Json::array();
  for (const ExcludedBenchmark& benchmark : report.excluded_benchmarks)
    exclude.push_back({{"name", escaped(benchmark.name, 4096)},
                       {"hash", fmt::format("{:016x}", benchmark.hash)},
                       {"problems", benchmark.problems},
                       {"problems_without_runs", benchmark.problems_without_runs},
                       {"runs", benchmark.runs}});
  const Json json{{"tokenizer", tokenizer},
                  {"other_files", report.other_files},
                  {"unreadable_folders", report.unreadable_folders},
                  {"exclude", exclude},
                  {"languages", languages}};
  return json.dump(2) + "\n";
}

std::string tokenizer_named_in(const std::filesystem::path& folder, std::uint64_t hash) {
  constexpr std::uint64_t largest_report = std::uint64_t{1} << 20;
  const std::filesystem::path path = folder / "report.json";
  try {
    const nlohmann::json json = parse_strict_json(read_whole_file(path, largest_report), path);
    const auto tokenizer = Fields(json, path, "").object("tokenizer");
    return tokenizer && tokenizer->text("hash", "") == fmt::format("{:016x}", hash) ? tokenizer->text("name", "") : "";
  } catch (const FileError&) {
    return "";  // An older report, or none. The name is only used to explain other errors.
  }
}

}  // namespace multipl_moe
