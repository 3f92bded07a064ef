#pragma once

#include <array>
#include <cstdlib>
#include <string_view>

namespace moe::detail {

/// The launcher that started this process, as its environment tells.
struct MpiLaunch {
  std::string_view launcher;
  std::string_view variable;
  /// Number of processes; 0 for a launcher that does not say.
  int processes = 1;

  static MpiLaunch of_environment() {
    // Not SLURM_NTASKS, which a batch script's only process has too.
    constexpr std::array<std::array<std::string_view, 2>, 3> launchers{{
        {"mpirun of Open MPI", "OMPI_COMM_WORLD_SIZE"},
        {"mpirun of MPICH or of an MPI derived from it", "PMI_SIZE"},
        {"srun of Slurm", "SLURM_STEP_NUM_TASKS"},
    }};
    for (const auto& [launcher, variable] : launchers)
      if (const char* text = std::getenv(variable.data())) return {launcher, variable, std::atoi(text)};
    if (std::getenv("PMIX_RANK") != nullptr) return {"a launcher that uses PMIx", "PMIX_RANK", 0};
    return {};
  }
};

}  // namespace moe::detail
