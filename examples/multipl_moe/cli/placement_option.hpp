/// --placement of commands that several processes run together: where the experts of each layer are.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/expert_spread.hpp"

namespace multipl_moe {

/// `doing` is what several processes do, `usual` the value without the option.
void add_placement_option(CLI::App& command, std::string& placement, const std::string& doing,
                          const std::string& usual);

/// Throws UsageError if `placement`, the option's value or "", spreads experts that do not exist, or over
/// processes that were not started.
void check_placement(const std::string& command, const ModelConfig& model, const std::string& placement,
                     bool has_processes);

/// Throws UsageError if a process that was started together with this one was given another placement; collective.
void require_same_placement(ExpertPlacement mine);

}  // namespace multipl_moe
