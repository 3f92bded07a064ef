#include "multipl_moe/reproduce/run_scores.hpp"

#include "fuzz/target.hpp"

namespace multipl_moe::fuzz {

const Registered scores_table("scores_table", [](std::string_view bytes) {
  const auto scores = value_or_refusal([&] { return reproduce::parse_problems(bytes, "problems.csv"); });
  if (!scores) return false;
  require(!scores->problems.empty(), "a table has problems");
  for (const auto& of_language : scores->pass) {
    require(of_language.empty() || of_language.size() == scores->problems.size(), "a language has all problems");
    for (const double pass : of_language) require(pass >= 0 && pass <= 1, "pass@1 is a share");
  }
  return true;
});

}  // namespace multipl_moe::fuzz
