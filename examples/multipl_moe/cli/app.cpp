#include "multipl_moe/cli/app.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <new>

#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// `--learning-rate` is also MOE_LEARNING_RATE.
void name_environment_variables(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    std::string name = option->get_single_name();
    if (name == "help" || option->get_lnames().empty()) continue;
    std::replace(name.begin(), name.end(), '-', '_');
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    option->envname("MOE_" + name);
  }
}

int report(int exit_code, const std::string& message) {
  fmt::print(stderr, "error: {}\n", message);
  return exit_code;
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App program{"Extends a code language model to low-resource programming languages with MultiPL-MoE.",
                   "multipl_moe"};
  program.require_subcommand(1);
  program.get_formatter()->column_width(36);
  program.footer(
      "Exit codes: 0 ok, 1 failure, 2 usage, 3 bad input file, 4 out of memory, 5 I/O or disk full,\n"
      "6 non-finite loss, 130 interrupted (after a checkpoint). Every option is also an environment\n"
      "variable: --batch-size is MOE_BATCH_SIZE. Data goes to stdout, progress to stderr.");
  add_info_command(program);
  add_prepare_command(program);
  add_pretrain_command(program);
  add_upcycle_command(program);
  add_train_command(program);
  add_eval_command(program);
  add_generate_command(program);
  add_demo_command(program);
  for (CLI::App* command : program.get_subcommands({})) name_environment_variables(*command);

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return program.exit(error);
    fmt::print(stderr, "error: {}\n", escaped(error.what(), 1000));
    fmt::print(stderr, "`multipl_moe --help` lists the commands, `multipl_moe COMMAND --help` a command's options.\n");
    return 2;
  } catch (const Interrupted& interrupted) {
    fmt::print(stderr, "interrupted; {}\n", interrupted.what());
    return 130;
  } catch (const ProgramError& error) {
    return report(error.exit_code(), error.what());
  } catch (const std::bad_alloc&) {
    return report(4, "out of memory: a smaller --batch-size or --sequence-length needs less");
  } catch (const std::filesystem::filesystem_error& error) {
    return report(5, escaped(error.what(), 1000));
  } catch (const std::exception& error) {
    return report(1, error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return report(5, "stdout cannot be written");
  return 0;
}

}  // namespace multipl_moe
