#include <algorithm>
#include <cstdlib>
#include <initializer_list>

#include "multipl_moe/mpi/launch.hpp"

namespace multipl_moe {

namespace {

/// The number in the first of these environment variables that is set, whose text may go on as in 4(x2); `otherwise` if
/// none is.
int number_in_first_of(std::initializer_list<const char*> variables, int otherwise) {
  for (const char* const variable : variables)
    if (const char* const text = std::getenv(variable)) return std::max(otherwise, std::atoi(text));
  return otherwise;
}

}  // namespace

// Those of Open MPI, MPICH and Slurm.
int launched_here() {
  return number_in_first_of({"OMPI_COMM_WORLD_LOCAL_SIZE", "MPI_LOCALNRANKS", "SLURM_STEP_TASKS_PER_NODE"}, 1);
}
int launched_number_here() {
  return number_in_first_of({"OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"}, 0);
}

}  // namespace multipl_moe
