/// What stands in for the other file of this folder in a build without MPI.
#include <fmt/format.h>

#include "moe/mpi/launch.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/mpi/launch.hpp"

namespace multipl_moe {

std::shared_ptr<const RunRanks> launched_ranks() {
  const auto launch = moe::detail::MpiLaunch::of_environment();
  if (launch.processes > 1)
    throw Failure(
        fmt::format("this process is one of {} that {} started, but the program was built without MPI: install an MPI "
                    "with its headers (apt-get install libopenmpi-dev openmpi-bin) and build again",
                    launch.processes, launch.launcher));
  return nullptr;
}

std::shared_ptr<const RunRanks> launched_ranks_on(const Device&) { return launched_ranks(); }

std::string name_of_mpi() { return {}; }

}  // namespace multipl_moe
