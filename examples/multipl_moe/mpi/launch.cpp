#include "multipl_moe/mpi/launch.hpp"

#include <utility>

#include "moe/comm/errors.hpp"
#include "moe/comm/ranks_over.hpp"
#include "moe/mpi.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

std::shared_ptr<const RunRanks> launched_ranks() {
  const auto made = []() -> std::shared_ptr<const RunRanks> {
    try {
      moe::MpiComm comm;
      if (comm.size() == 1) return nullptr;
      return std::make_shared<RunRanks>(moe::ranks_over<RunRanks::Backend>(std::move(comm)));
    } catch (const moe::CommError& error) {
      throw Failure(error.what());
    }
  };
  static const std::shared_ptr<const RunRanks> ranks = made();
  return ranks;
}

std::string name_of_mpi() { return moe::MpiComm::library(); }

}  // namespace multipl_moe
