/// Names of options in older versions, which are read in every place where an option can stand: the command line, the
/// environment, and the file of --config. Each is replaced before anything is parsed, so that the order of precedence
/// is that of the option.
#pragma once

#include <string>
#include <vector>

namespace multipl_moe {

/// The words of a command line, program name excluded, with current names.
std::vector<std::string> with_current_names(std::vector<std::string> words);
/// The current name of an option of a command, without dashes.
std::string current_name(const std::string& command, const std::string& name);
/// Sets the environment variables of options that are set under their former names only.
void read_former_variables();

}  // namespace multipl_moe
