#include "multipl_moe/cli/probe.hpp"

#include "multipl_moe/cli/commands.hpp"

namespace multipl_moe {

void add_probe_command(CLI::App& program) {
  CLI::App& group = *program.add_subcommand(
      "probe", "Answers questions about a model by experiments: whether it knows later tokens, and what it uses.");
  group.require_subcommand(1);
  add_probe_leak(group);
  add_probe_lesion(group);
  add_probe_bypass(group);
  add_probe_random_text(group);
}

}  // namespace multipl_moe
