/// Scores of a few systems, as tests of tables and pages need them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "multipl_moe/reproduce/run_scores.hpp"

namespace multipl_moe::testing {

/// Four problems, of levels 1 and 2 and both strata, of which the first `high` and `low` are passed in the languages of
/// each kind.
inline reproduce::RunScores passes(std::size_t high, std::size_t low) {
  reproduce::RunScores run;
  run.exercises.emplace();
  run.exercises->problems = {"a", "b", "c", "d"};
  run.exercises->levels = {"1", "1", "2", "2"};
  run.exercises->strata = {"nowhere", "transfer", "nowhere", "transfer"};
  for (const Language language : all_languages)
    for (std::size_t i = 0; i < 4; ++i)
      run.exercises->pass[index_of(language)].push_back(i < (resource_of(language) == Resource::high ? high : low) ? 1
                                                                                                                   : 0);
  return run;
}

/// Two seeds of the base and of these systems. Seed 1 of each passes one problem more in low-resource languages.
inline reproduce::AllScores example_scores(const std::vector<std::string>& systems) {
  reproduce::AllScores scores;
  for (const std::uint64_t seed : {0u, 1u}) {
    scores["base"][seed] = passes(3, 0);
    for (const std::string& system : systems) scores[system][seed] = passes(2, 1 + seed);
  }
  return scores;
}

}  // namespace multipl_moe::testing
