#include "multipl_moe/benchmark/problem_file.hpp"

#include <nlohmann/json.hpp>

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered problem_file("problem_file", [](std::string_view bytes) {
  const auto problems = value_or_refusal([&] { return benchmark::parse_problems(bytes, "prompts.jsonl"); });
  if (!problems) return false;
  require(!problems->empty(), "a benchmark has a problem");
  for (const benchmark::Problem& problem : *problems) {
    require(!problem.name.empty() && problem.name.size() <= 200, "a name has 1 to 200 bytes");
    for (const std::string& stop : problem.stop_tokens) require(!stop.empty(), "a stop text is not empty");
    const std::string_view cut = benchmark::cut_at_stop(problem.tests, problem.stop_tokens);
    require(benchmark::cut_at_stop(cut, problem.stop_tokens) == cut, "a cut completion stays as it is");
    require(benchmark::program_of(problem, cut).size() == problem.prompt.size() + cut.size() + 1 + problem.tests.size(),
            "a program is its parts");
  }
  return true;
});

}  // namespace multipl_moe::fuzz
