/// The scores that a plan makes, by the ids of its stages.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "multipl_moe/reproduce/plan.hpp"
#include "multipl_moe/reproduce/verdicts.hpp"

namespace multipl_moe::reproduce {

/// What a stage with the id TRACK/seed-N/SYSTEM/scores scores.
struct PlannedScore {
  Track track = Track::exercises;
  std::string system;
  std::uint64_t seed = 0;
};

/// Of a stage with the id TRACK/seed-N/SYSTEM/NAME.
inline PlannedScore run_of_stage(const Stage& stage) {
  const std::filesystem::path folder = std::filesystem::path(stage.id).parent_path();
  const std::string seed = folder.parent_path().filename().native();
  return {stage.prints ? Track::text : Track::exercises, folder.filename().native(),
          std::stoull(seed.substr(seed.find('-') + 1))};
}

/// Empty for stages that score nothing.
inline std::optional<PlannedScore> planned_score(const Stage& stage) {
  return stage.id.ends_with("/scores") ? std::optional(run_of_stage(stage)) : std::nullopt;
}

/// How many seeds of a system a plan scores.
inline std::map<std::pair<Track, std::string>, std::size_t> planned_seeds(const Plan& plan) {
  std::map<std::pair<Track, std::string>, std::size_t> seeds;
  for (const Stage& stage : plan.stages)
    if (const auto score = planned_score(stage)) ++seeds[{score->track, score->system}];
  return seeds;
}

}  // namespace multipl_moe::reproduce
