/// The command line: subcommands, exit codes and output streams (results on stdout, the rest on stderr).
#pragma once

namespace multipl_moe {

/// Parses the command line, runs the command and returns the process's exit code: 0 ok, 1 failure, 2 usage or config, 3
/// bad input file, 4 out of memory, 5 I/O or disk full, 6 non-finite loss, 130 and 143 ended by SIGINT and SIGTERM.
int run_program(int argc, char** argv);

}  // namespace multipl_moe
