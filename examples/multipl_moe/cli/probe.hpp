/// The commands of `multipl_moe probe`.
#pragma once

#include <CLI/CLI.hpp>

namespace multipl_moe {

void add_probe_random_text(CLI::App& group);
void add_probe_leak(CLI::App& group);
void add_probe_lesion(CLI::App& group);
void add_probe_bypass(CLI::App& group);

}  // namespace multipl_moe
