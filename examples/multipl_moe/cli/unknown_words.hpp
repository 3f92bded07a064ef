/// Unknown options, commands and arguments of a command line, and the nearest known names.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

/// At most two of `names`: those that begin with `word`, or else those with the fewest changes from it (a character
/// added, removed, replaced, or two swapped) or one more than that, if these are few relative to the name's length.
std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& names);

/// `; the nearest is 'train'`, `; the nearest are 'trace' and 'train'`, or nothing.
std::string nearest_hint(std::string_view word, const std::vector<std::string>& names);

/// The error text for the first word that the parsed `program` does not know, or for a missing command; empty if there
/// is no such fault. `words` is the command line.
std::optional<std::string> unknown_word(const CLI::App& program, const std::vector<std::string>& words);

/// A command's name with those of its groups: "tokenizer train" if `between` is a space.
std::string full_name(const CLI::App& command, const std::string& between);
/// The names of the commands in `group`, and of the options of `command`, such as `--model`.
std::vector<std::string> command_names(const CLI::App& group);
std::vector<std::string> option_names(const CLI::App& command);

}  // namespace multipl_moe
