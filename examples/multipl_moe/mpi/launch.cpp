#include "multipl_moe/mpi/launch.hpp"

#include <optional>
#include <string>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/errors.hpp"
#include "moe/comm/ranks_over.hpp"
#include "moe/mpi.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/mpi/gpu_ranks.hpp"

namespace multipl_moe {

namespace {

/// The engine of this process; empty if it was started alone.
const std::optional<moe::MpiComm>& engine() {
  const auto made = []() -> std::optional<moe::MpiComm> {
    try {
      moe::MpiComm comm;
      if (comm.size() > 1) return comm;
      return std::nullopt;
    } catch (const moe::CommError& error) {
      throw Failure(error.what());
    }
  };
  static const std::optional<moe::MpiComm> comm = made();
  return comm;
}

/// The reason of the first process that cannot use NCCL, the same text in all of them; empty if all can.
std::string first_reason_against_nccl(const RunRanks& ranks) {
  for (const std::vector<char>& reason :
       ranks.gather<char>("the ways between GPUs", std::string(reason_against_nccl())))
    if (!reason.empty()) return {reason.begin(), reason.end()};
  return {};
}

std::shared_ptr<const RunRanks> connected(int gpu) {
  const std::string reason = first_reason_against_nccl(*launched_ranks());
  if (!reason.empty())
    notice("note: data travels between GPUs through the memory of their machines, which is slower than NCCL: {}\n",
           reason);
  return std::make_shared<const RunRanks>(ranks_on_gpu(*engine(), gpu, reason.empty()));
}

}  // namespace

std::shared_ptr<const RunRanks> launched_ranks() {
  static const std::shared_ptr<const RunRanks> ranks =
      engine() ? std::make_shared<RunRanks>(moe::ranks_over<moe::Cpu<>>(*engine())) : nullptr;
  return ranks;
}

std::shared_ptr<const RunRanks> launched_ranks_on(const Device& device) {
  if (device.kind == Device::Kind::cpu || !engine()) return launched_ranks();
  static const auto ranks = connected(device.index);
  return ranks;
}

std::string name_of_mpi() { return moe::MpiComm::library(); }

}  // namespace multipl_moe
