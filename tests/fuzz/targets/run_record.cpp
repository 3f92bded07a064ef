/// The three files of a run folder that a report reads, separated by NULs: config.toml, env.json, metrics.jsonl.
#include "multipl_moe/report/run_record.hpp"

#include <algorithm>

#include "fuzz/memory_file.hpp"
#include "fuzz/target.hpp"
#include "multipl_moe/io/scratch.hpp"

namespace multipl_moe::fuzz {

const Registered run_record("run_record", [](std::string_view bytes) {
  static const testing::ScratchFolder folder(memory_folder());
  for (const char* name : {"config.toml", "env.json", "metrics.jsonl"}) {
    const std::size_t end = std::min(bytes.find('\0'), bytes.size());
    testing::put_bytes(folder / name, bytes.substr(0, end));
    bytes.remove_prefix(std::min(end + 1, bytes.size()));
  }
  const auto run = value_or_refusal([] { return read_run(folder.path()); });
  if (!run) return false;
  require(!run->settings.empty() && !run->steps.empty(), "a run has settings and steps");
  for (std::size_t i = 1; i < run->steps.size(); ++i)
    require(run->steps[i - 1].step < run->steps[i].step, "steps increase");
  require(run->tokens_per_step().value_or(1) >= 1, "a step has tokens");
  return true;
});

}  // namespace multipl_moe::fuzz
