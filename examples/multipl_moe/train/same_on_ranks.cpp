#include "multipl_moe/train/same_on_ranks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

#include "moe/backend/cpu/isa/instruction_set.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/manifest.hpp"

namespace multipl_moe {

void require_same(const RunRanks& ranks, RunSettings settings) {
  settings["program"] = fmt::format("XXH3 {:016x}", hash_of_file("/proc/self/exe"));
  settings["instruction set"] = moe::cpu::name_of(moe::cpu::instruction_set());
  const std::string text = nlohmann::json(settings).dump();
  const char* const settings_site = "settings of the run";
  const std::uint64_t mine = hash_of(text);
  const auto hashes = ranks.gather<std::uint64_t>(settings_site, std::span(&mine, 1));
  if (std::all_of(hashes.begin(), hashes.end(), [mine](const auto& of_rank) { return of_rank.front() == mine; }))
    return;
  const auto all = ranks.gather<char>(settings_site, text);
  const auto of = [&](std::size_t rank) {
    return nlohmann::json::parse(all[rank].begin(), all[rank].end()).get<RunSettings>();
  };
  for (std::size_t other = 1; other < all.size(); ++other) {
    RunSettings first = of(0), here = of(other);
    std::string different = differences(first, here);
    // A resumed run may have another number of steps, but the same on all ranks.
    if (first[steps_flag] != here[steps_flag])
      different += fmt::format("  {}: {}, found {}\n", steps_flag, first[steps_flag], here[steps_flag]);
    if (!different.empty())
      throw UsageError(
          fmt::format("[ranks] process {} must run the same program with the same settings, weights and data as "
                      "process 0, found other values:\n{}Start all processes with one command line on machines of "
                      "one kind; MOE_CPU chooses an instruction set that all of them have",
                      other, different));
  }
}

}  // namespace multipl_moe
