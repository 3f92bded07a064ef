#include "multipl_moe/benchmark/multipl_e_export.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "multipl_moe/benchmark/file_names.hpp"
#include "multipl_moe/io/atomic_folder.hpp"

namespace multipl_moe::benchmark {

namespace {

/// The names that MultiPL-E's scripts know.
std::string_view tag_of(Language language) {
  switch (language) {
    case Language::python:
      return "py";
    case Language::rust:
      return "rs";
    case Language::go:
      return "go_test.go";
    case Language::ruby:
      return "rb";
    case Language::java:
    case Language::cpp:
      break;
  }
  return multipl_moe::name_of(language);
}

/// Problems of two languages may have the same name, which ends in the language.
std::vector<std::string> files_of(std::span<const Problem> problems) {
  std::vector<std::string> names;
  for (const Problem& problem : problems)
    names.push_back(fmt::format("{}.{}", problem.name, multipl_moe::name_of(problem.language)));
  return unique_file_names(names);
}

}  // namespace

void export_multipl_e(const std::filesystem::path& folder, std::span<const Problem> problems,
                      std::span<const Scored> scored) {
  std::vector<nlohmann::ordered_json> completions, results;
  for (const Problem& problem : problems) {
    const nlohmann::ordered_json head{{"name", problem.name},
                                      {"language", tag_of(problem.language)},
                                      {"prompt", problem.prompt},
                                      {"tests", problem.tests},
                                      {"stop_tokens", problem.stop_tokens}};
    completions.push_back(head);
    completions.back()["completions"] = nlohmann::ordered_json::array();
    results.push_back(head);
    results.back()["results"] = nlohmann::ordered_json::array();
  }
  for (const Scored& sample : scored) {
    const std::size_t i = sample.completion.problem;
    const Result& result = sample.executed.result;
    completions[i]["completions"].push_back(sample.completion.text);
    results[i]["results"].push_back({{"program", program_of(problems[i], sample.completion.text)},
                                     {"stdout", result.out},
                                     {"stderr", result.err},
                                     {"exit_code", result.exit_code},
                                     {"status", multipl_e_status(result, problems[i].language)}});
  }
  const std::vector<std::string> files = files_of(problems);
  save_folder_atomically(folder, [&](const std::filesystem::path& made) {
    for (std::size_t i = 0; i < problems.size(); ++i) {
      write_file_atomically(made / (files[i] + ".json"), completions[i].dump(2) + "\n");
      write_file_atomically(made / (files[i] + ".results.json"), results[i].dump(2) + "\n");
    }
  });
}

}  // namespace multipl_moe::benchmark
