/// What is known of a stage that was run: a small file for each, from which a later run sees that it is done.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "multipl_moe/reproduce/plan.hpp"

namespace multipl_moe::reproduce {

/// The hash of what a stage has written: of names and contents of all files below `path`, or of the file. Empty if it
/// is not there. Throws IoError.
std::optional<std::uint64_t> hash_of_output(const std::filesystem::path& path);

/// The outputs of finished stages, by id.
using OutputHashes = std::map<std::string, std::uint64_t>;

/// The records of the stages of one reproduction.
class StageRecords {
 public:
  /// `folder`: of the reproduction.
  explicit StageRecords(std::filesystem::path folder) : folder_(std::move(folder)) {}

  enum class State {
    missing,  ///< never begun, or begun with another command or other inputs: its output has to go
    begun,    ///< begun with the same command and the same inputs
    done      ///< finished, and its output is as it was
  };
  /// The state of a stage whose inputs are `done`, by hash; adds the hash of a finished stage's output to `done`.
  /// A damaged record counts as a missing one.
  State state_of(const Stage& stage, OutputHashes& done) const;

  /// Whether the stage was ever begun, in whatever form.
  bool has(const Stage& stage) const;

  /// Throw IoError.
  void begin(const Stage& stage, const OutputHashes& done) const;
  /// Adds the hash of the output to `done`. Throws Failure if there is no output.
  void finish(const Stage& stage, OutputHashes& done) const;

 private:
  std::filesystem::path path_of(const Stage& stage) const;

  std::filesystem::path folder_;
};

/// The ids of the plan's stages that are done in `folder`, also while the others run. Throws IoError.
std::set<std::string> finished_stages(const Plan& plan, const std::filesystem::path& folder);

}  // namespace multipl_moe::reproduce
