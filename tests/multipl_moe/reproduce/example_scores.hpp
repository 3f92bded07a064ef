/// Scores of a few systems, as tests of tables and pages need them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/reproduce/run_scores.hpp"

namespace multipl_moe::testing {

/// Problems of levels 1 and 2 and both strata, of which the first `high` and `low` are passed in the languages of each
/// kind.
inline reproduce::RunScores passes(std::size_t count, std::size_t high, std::size_t low) {
  reproduce::RunScores run;
  run.exercises.emplace();
  for (std::size_t i = 0; i < count; ++i) {
    run.exercises->problems.push_back("problem " + std::to_string(i));
    run.exercises->levels.emplace_back(i < count / 2 ? "1" : "2");
    run.exercises->strata.emplace_back(i % 2 == 0 ? "nowhere" : "transfer");
    for (const Language language : all_languages)
      run.exercises->pass[index_of(language)].push_back(i < (resource_of(language) == Resource::high ? high : low) ? 1
                                                                                                                   : 0);
  }
  return run;
}

/// Two seeds of the base and of these systems, of four problems. Seed 1 of each passes one problem more in low-resource
/// languages.
inline reproduce::AllScores example_scores(const std::vector<std::string>& systems) {
  reproduce::AllScores scores;
  for (const std::uint64_t seed : {0u, 1u}) {
    scores["base"][seed] = passes(4, 3, 0);
    for (const std::string& system : systems) scores[system][seed] = passes(4, 2, 1 + seed);
  }
  return scores;
}

}  // namespace multipl_moe::testing
