#include "multipl_moe/reproduce/published.hpp"

#include <set>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/reproduce/run_stage.hpp"

namespace multipl_moe::reproduce {

namespace {

namespace fs = std::filesystem;

void copy_shown(const fs::path& from, const fs::path& to) {
  constexpr std::uint64_t largest = std::uint64_t{16} << 20;
  create_folders(to.parent_path());
  write_file_atomically(to, read_whole_file(from, largest));
}

}  // namespace

void copy_shown_routing(const Plan& plan, const std::set<std::string>& finished, const fs::path& folder,
                        const fs::path& output) {
  for (const Stage& stage : plan.stages) {
    const auto run = run_stage_of(stage);
    if (!run || !finished.contains(stage.id) || run->seed != plan.seeds.front()) continue;
    if (run->system != "multipl-moe" && run->system != "causal-multipl-moe") continue;
    if (run->step == "page") copy_shown(folder / stage.output, output / stage.output);
    if (run->step != "routing") continue;
    for (const auto& entry : fs::directory_iterator(folder / stage.output)) {
      const fs::path file = entry.path().filename();
      // The choices of each sequence are what the tables count; a PNG shows what the SVG does.
      if (file != "sequences.csv" && file.extension() != ".png") copy_shown(entry.path(), output / stage.output / file);
    }
  }
}

}  // namespace multipl_moe::reproduce
