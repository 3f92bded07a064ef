/// What a reproduction runs: stages, each a command of this program, with what it needs and what it takes.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace multipl_moe::reproduce {

/// A command. Paths in it are relative to the folder of the reproduction.
struct Stage {
  std::string id;                  ///< such as "exercises/seed-0/lora/train"
  std::vector<std::string> words;  ///< arguments of multipl_moe
  std::vector<std::string> needs;  ///< ids of stages before it
  std::string output;              ///< the folder or, if `prints` is set, the file that it makes
  bool prints = false;             ///< whether the output is what the command prints
  double seconds = 0;              ///< estimate
  double bytes = 0;                ///< estimate of what it leaves on the disk
};

struct Plan {
  std::string scale;
  std::vector<std::uint64_t> seeds{};
  std::vector<std::string> items{};
  std::vector<std::pair<std::string, std::string>> files{};  ///< names and texts of files that are written first
  std::vector<Stage> stages{};                               ///< each after those that it needs
  std::string basis{};                                       ///< what the estimates rest on

  double seconds() const;  ///< of all stages, one after the other
  double bytes() const;
};

struct PlanOptions {
  std::string scale = "small";
  std::int64_t seeds = 0;             ///< 0: the scale's
  std::vector<std::string> items{};   ///< empty: all that are not apart; smoke has its own systems and no items
  bool with_apart = false;            ///< whether no items means all of the scale
  std::vector<std::string> corpus{};  ///< folders of real code; empty: exercises only
};

/// Names of scales: smoke, small, paper.
std::vector<std::string> scale_names();

/// Throws UsageError for a scale that is not one of scale_names(), for items that the scale does not have, and for a
/// corpus that nothing planned would read.
Plan plan_of(const PlanOptions& options);

/// Whether `finished` has a stage of a model that is planned apart.
bool has_models_apart(const Plan& plan, const std::set<std::string>& finished);

/// A shell script of the plan: the commands, and as comments what each needs and takes, one after the other and with
/// `jobs` side by side.
std::string plan_text(const Plan& plan, int jobs = 1);
std::string plan_json(const Plan& plan, int jobs = 1);

}  // namespace multipl_moe::reproduce
