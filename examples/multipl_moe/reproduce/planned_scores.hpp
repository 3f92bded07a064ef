/// The scores that a plan makes, by the ids of its stages.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "multipl_moe/reproduce/plan.hpp"
#include "multipl_moe/reproduce/run_stage.hpp"
#include "multipl_moe/reproduce/verdicts.hpp"

namespace multipl_moe::reproduce {

/// What a stage with the id TRACK/seed-N/SYSTEM/scores scores.
struct PlannedScore {
  Track track = Track::exercises;
  std::string system;
  std::uint64_t seed = 0;
};

/// Empty for stages that score nothing.
inline std::optional<PlannedScore> planned_score(const Stage& stage) {
  const auto run = run_stage_of(stage);
  if (!run || run->step != "scores") return std::nullopt;
  return PlannedScore{stage.prints ? Track::text : Track::exercises, run->system, run->seed};
}

/// How many seeds of a system a plan scores.
inline std::map<std::pair<Track, std::string>, std::size_t> planned_seeds(const Plan& plan) {
  std::map<std::pair<Track, std::string>, std::size_t> seeds;
  for (const Stage& stage : plan.stages)
    if (const auto score = planned_score(stage)) ++seeds[{score->track, score->system}];
  return seeds;
}

}  // namespace multipl_moe::reproduce
