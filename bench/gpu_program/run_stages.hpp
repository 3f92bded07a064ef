/// Runs stages in order, each once: the order is that of their value, the results of each are in files as soon as it
/// has ended, and a later call goes on after the last one that has.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/gpu_program/child.hpp"

namespace gpu_program {

struct Stage {
  std::string name;    ///< of its files, and for --from and --only
  std::string title;   ///< what it finds, a few words
  double limit = 0;    ///< seconds
  std::string data{};  ///< the file of figures that other stages read; empty: it has none
};

/// How a stage ended.
struct StageEnd {
  std::string outcome;  ///< passed, failed, crashed or out of time
  double seconds = 0;
  std::string note;  ///< one line: its main figures, or what went wrong
};

/// Where figures are from.
struct Origin {
  std::string machine;
  std::string program;  ///< differs between builds of the program
};

struct Selection {
  std::string from{};  ///< this stage and all after it are run, again if they have ended; empty: those that have not
  std::string only{};  ///< this stage alone is run; empty: all
};

struct StagesResult {
  std::vector<std::string> failed;  ///< of all stages that have ended, in this call or before
  std::vector<std::string> left;    ///< those that have not ended
};

/// Runs a stage to its end, or kills it after its limit.
using Launch = std::function<ChildEnd(const Stage&)>;

/// Runs the stages that this build of the program has not ended in `folder`, which is created, while each one's limit
/// is within what is left of `budget` seconds; the first that is not ends the call, as does one whose process cannot be
/// killed. Figures of other builds are removed. Writes <stage>.json and summary.md as soon as a stage has
/// ended; the stage itself writes <stage>.md, whose note is that of note_in(). Throws
/// UsageError if a name is none of a stage, both names are given, or the limit of a stage that would be run exceeds the
/// whole budget; Failure if `folder` has figures from another machine, or another process works in it; IoError,
/// BadFile.
StagesResult run_stages(const std::vector<Stage>& stages, const Selection& selection, double budget,
                        const std::filesystem::path& folder, const Origin& origin, const Launch& launch);

/// What goes on with the stages that are left: a command with --from or --only would repeat stages.
std::string_view next_command(const Selection& selection);

/// How the stage ended in `folder`; empty if it has not.
std::optional<StageEnd> end_of(const std::filesystem::path& folder, const Stage& stage);

}  // namespace gpu_program
