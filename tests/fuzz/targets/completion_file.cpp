#include "multipl_moe/benchmark/completion_file.hpp"

#include <nlohmann/json.hpp>

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

/// The bytes are lines of completions, and also MultiPL-E's file of one problem.
const Registered completion_file("completion_file", [](std::string_view bytes) {
  static const std::vector<benchmark::Problem> problems{{"a", Language::python, "p", "t", {"\n#"}},
                                                        {"a", Language::ruby, "p", "t", {"\nend", "x"}},
                                                        {"HumanEval/0", Language::python, "p", "t", {"\n#"}}};
  const auto whole = value_or_refusal([&] { return benchmark::parse_completed_problem(bytes, "a.json"); });
  const auto lines = value_or_refusal([&] { return benchmark::parse_completions(bytes, "c.jsonl", problems); });
  if (lines)
    for (const benchmark::Completion& completion : *lines) {
      require(completion.problem < problems.size() && completion.sample >= 0, "a completion is of a known problem");
      const std::string line = benchmark::line_of(completion, problems[completion.problem]);
      const auto again = benchmark::parse_completions(line, "again", problems);
      require(again.size() == 1 && again[0].text == completion.text && again[0].sample == completion.sample,
              "a written completion reads back equal");
    }
  return whole.has_value() || lines.has_value();
});

}  // namespace multipl_moe::fuzz
