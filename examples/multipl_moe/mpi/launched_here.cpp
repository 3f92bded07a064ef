#include <algorithm>
#include <cstdlib>

#include "multipl_moe/mpi/launch.hpp"

namespace multipl_moe {

int launched_here() {
  // Open MPI, MPICH, Slurm, whose text may go on as in 4(x2).
  for (const char* const variable : {"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_TASKS_PER_NODE"})
    if (const char* const text = std::getenv(variable)) return std::max(1, std::atoi(text));
  return 1;
}

}  // namespace multipl_moe
