#include "multipl_moe/cli/app.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <new>

#include "moe/core/require.hpp"
#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/config_file.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/cli/unknown_words.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"

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
  notice("error: {}\n", message);
  return exit_code;
}

/// The library says to its callers which of their calls broke a rule. Nothing that a user typed has such a name.
std::string without_place(std::string_view message) {
  if (const std::size_t end = message.find("] "); message.starts_with('[') && end != message.npos)
    message.remove_prefix(end + 2);
  return fmt::format("a layer of the model refuses what it was given, where an earlier check should have: {}", message);
}

}  // namespace

int run_program(int argc, char** argv) {
  CLI::App program{"Extends a code language model to low-resource programming languages with MultiPL-MoE.",
                   "multipl_moe"};
  program.require_subcommand(1);
  program.get_formatter()->column_width(36);
  program.footer(
      "Exit codes: 0 ok, 1 failure, 2 usage, 3 bad input file, 4 out of memory, 5 I/O or disk full,\n"
      "6 non-finite loss, 130 SIGINT or 143 SIGTERM (after a checkpoint). Every option of a command is\n"
      "also an environment variable: --batch-size is MOE_BATCH_SIZE. A flag goes before the environment,\n"
      "that before the file of --config, that before the default. Data goes to stdout, progress to stderr.\n"
      "MOE_MEMORY_LIMIT, such as 8GiB, is the most memory that a command plans to hold; it refuses what needs more.");
  add_info_command(program);
  add_tokenizer_command(program);
  add_prepare_command(program);
  add_pretrain_command(program);
  add_make_checkpoint_command(program);
  add_upcycle_command(program);
  add_train_command(program);
  add_merge_command(program);
  add_export_command(program);
  add_eval_command(program);
  add_generate_command(program);
  add_trace_command(program);
  add_report_command(program);
  add_doctor_command(program);
  add_demo_command(program);
  for (CLI::App* command : commands_of(program)) name_environment_variables(*command);
  add_config_options(program);
  // A limit on file size then reads like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);

  try {
    program.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::Success)) {
      const auto unknown = unknown_word(program, {argv + 1, argv + argc});
      notice("error: {}\n", unknown ? *unknown : escaped(error.what(), 1000));
      notice("`multipl_moe --help` lists the commands, `multipl_moe COMMAND --help` a command's options.\n");
      return 2;
    }
    program.exit(error);
    std::cout.flush();
  } catch (const Interrupted& interrupted) {
    notice("interrupted; {}\n", interrupted.what());
    return interrupted.exit_code();
  } catch (const ProgramError& error) {
    return report(error.exit_code(), error.what());
  } catch (const moe::Error& error) {
    return report(1, without_place(error.what()));
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
