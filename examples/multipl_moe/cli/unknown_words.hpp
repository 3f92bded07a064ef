/// Words of a command line that mean nothing, and what was probably meant.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe {

/// Of `names` at most two that begin with `word`, or else take the fewest changes (a character more, less or another,
/// two swapped) or one more than these, if they are few beside the name's length.
std::vector<std::string> nearest(std::string_view word, const std::vector<std::string>& names);

/// `; the nearest is 'train'`, `; the nearest are 'trace' and 'train'`, or nothing.
std::string nearest_hint(std::string_view word, const std::vector<std::string>& names);

/// What is wrong with the first word that `program`, which was parsed, knows nothing of, or with a line that has no
/// command; empty where there is no such word. `words` are the command line's.
std::optional<std::string> unknown_word(const CLI::App& program, const std::vector<std::string>& words);

/// A command with its groups: "tokenizer train" for `between` a space.
std::string full_name(const CLI::App& command, const std::string& between);
/// The names of the commands in `group`, and of the options that `command` takes: `--model`.
std::vector<std::string> command_names(const CLI::App& group);
std::vector<std::string> option_names(const CLI::App& command);

}  // namespace multipl_moe
