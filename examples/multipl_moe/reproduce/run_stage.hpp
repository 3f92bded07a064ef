/// Stages of the run of one system: TRACK/seed-N/SYSTEM/STEP.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

#include "multipl_moe/reproduce/plan.hpp"

namespace multipl_moe::reproduce {

struct RunStage {
  std::string track, system, step;
  std::uint64_t seed = 0;
};

/// The parts of a stage's id; empty for the preparation of data.
inline std::optional<RunStage> run_stage_of(const Stage& stage) {
  const std::filesystem::path id = stage.id, of_system = id.parent_path(), of_seed = of_system.parent_path();
  const std::string seed = of_seed.filename().native();
  if (!seed.starts_with("seed-")) return std::nullopt;
  return RunStage{of_seed.parent_path().native(), of_system.filename().native(), id.filename().native(),
                  std::stoull(seed.substr(5))};
}

}  // namespace multipl_moe::reproduce
