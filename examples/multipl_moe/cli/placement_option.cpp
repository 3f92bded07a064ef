#include "multipl_moe/cli/placement_option.hpp"

#include <fmt/format.h>

#include <span>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/run_ranks.hpp"
#include "multipl_moe/mpi/launch.hpp"

namespace multipl_moe {

void add_placement_option(CLI::App& command, std::string& placement, const std::string& doing,
                          const std::string& usual) {
  command
      .add_option("--placement", placement,
                  fmt::format("where the experts of each layer are when several processes {}: everywhere: each process "
                              "has all; blocks: consecutive experts in consecutive processes, and the tokens travel to "
                              "them; round-robin: the next expert in the next process; experts that process every "
                              "token stay everywhere [{}]",
                              doing, usual))
      ->check(CLI::IsMember(std::vector<std::string>(placement_names.begin(), placement_names.end())));
}

void check_placement(const std::string& command, const ModelConfig& model, const std::string& placement,
                     bool has_processes) {
  if (placement.empty() || placement == name_of(ExpertPlacement::everywhere)) return;
  if (!model.moe || model.moe->is_adapted())
    throw UsageError(
        fmt::format("[{}] --placement {} spreads the experts of a mixture, found a model of architecture {}", command,
                    placement, model.architecture()));
  if (!has_processes)
    throw UsageError(fmt::format(
        "[{}] --placement {} spreads experts over the processes that mpirun or srun starts, found 1 process", command,
        placement));
}

void require_same_placement(ExpertPlacement mine) {
  const auto ranks = launched_ranks();
  if (!ranks) return;
  // Processes with different ones would not make the same calls.
  int process = 0;
  for (const auto& other : ranks->gather<ExpertPlacement>("placement", std::span(&mine, 1))) {
    if (other.front() != mine)
      throw UsageError(
          fmt::format("[ranks] all processes must have the same --placement, found {} in process {} and "
                      "{} in process {}",
                      name_of(mine), ranks->rank(), name_of(other.front()), process));
    ++process;
  }
}

}  // namespace multipl_moe
