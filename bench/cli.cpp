#include "bench/cli.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <new>
#include <string>
#include <vector>

#include "bench/command.hpp"
#ifdef MOE_BENCH_LEARNS
#include "bench/growth/command.hpp"
#include "bench/learn/commands.hpp"
#include "bench/run_as_command.hpp"
#endif

namespace moe_bench {

namespace {

constexpr const char* unwritable = "stdout cannot be written";

int failed(int exit_code, const std::string& message) {
  fmt::print(stderr, "error: {}\n", message);
  return exit_code;
}

}  // namespace

int run_bench(int argc, char** argv) {
  CLI::App program{"Measures moelayers: layers and their parts, and routing strategies side by side.", "moe_bench"};
  program.get_formatter()->column_width(30);
  program.footer(
      "Results go to stdout, notes to stderr. Exit codes: 0 ok, 1 failure, 2 usage, 3 bad file, 4 out of memory, "
      "5 I/O.");
  program.require_subcommand(1);
  std::vector<Command> commands{add_list_command(program), add_run_command(program), add_layers_command(program)};
#ifdef MOE_BENCH_LEARNS
  commands.push_back(add_growth_command(program));
  commands.push_back(add_learn_command(program));
  commands.push_back(add_report_command(program));
#endif
  try {
    program.parse(argc, argv);
    for (const Command& command : commands)
      if (command.app->parsed()) command.run();
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == static_cast<int>(CLI::ExitCodes::Success)) return program.exit(error);
    failed(2, error.what());
    fmt::print(stderr, "`moe_bench --help` lists the subcommands, `moe_bench SUBCOMMAND --help` the flags of one.\n");
    return 2;
  } catch (const UsageError& error) {
    return failed(2, error.what());
#ifdef MOE_BENCH_LEARNS
  } catch (const CommandFailed& error) {
    return failed(error.exit_code(), error.what());
#endif
  } catch (const std::bad_alloc&) {
    return failed(4, "out of memory: select fewer names or a smaller --shape");
  } catch (const std::exception& error) {
    return std::ferror(stdout) != 0 ? failed(5, unwritable) : failed(1, error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return failed(5, unwritable);
  return 0;
}

}  // namespace moe_bench
