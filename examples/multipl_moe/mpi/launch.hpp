/// The processes that mpirun or srun has started together. Whether the program was built with MPI or not, every process
/// learns whether it is one of several.
#pragma once

#include <memory>
#include <string>

#include "multipl_moe/model/device.hpp"
#include "multipl_moe/model/run_ranks.hpp"

namespace multipl_moe {

/// The ranks of this process; null if it was started alone. The same object in every call. The first call waits for all
/// of them. Throws Failure if a launcher has started several and the program was built without MPI, or with another
/// one.
std::shared_ptr<const RunRanks> launched_ranks();

/// The same for a model on this device of this process; a process uses one device. The first call waits for all of
/// them. Throws also moe::CommError, if the GPUs of the processes cannot be connected.
std::shared_ptr<const RunRanks> launched_ranks_on(const Device& device);

/// The MPI that the program was built with, such as `Open MPI v4.1.4`; empty if it was built without.
std::string name_of_mpi();

/// How many of them are on this machine, as the launcher says; 1 if it does not.
int launched_here();
/// The number of this process among those on this machine, as the launcher says; 0 if it does not.
int launched_number_here();

}  // namespace multipl_moe
