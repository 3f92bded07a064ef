#include <fmt/format.h>

#include <algorithm>
#include <memory>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/machine.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

void add_doctor_command(CLI::App& program) {
  CLI::App& command = *program.add_subcommand("doctor",
                                              "Shows versions, this machine's resources and what is missing; the exit "
                                              "code is 1 if something needed is missing.");
  const auto json = std::make_shared<bool>(false);
  command.add_flag("--json", *json, "print the result as JSON; sizes are in bytes");
  command.callback([json] {
    const Machine machine = this_machine();
    fmt::print("{}", *json ? machine_json(machine) : machine_text(machine));
    const std::vector<Lack> lacks = lacks_of(machine);
    const auto needed = std::find_if(lacks.begin(), lacks.end(), [](const Lack& lack) { return lack.needed; });
    if (needed != lacks.end()) throw Failure("[doctor] something needed is missing: " + needed->what);
  });
}

}  // namespace multipl_moe
