#include "multipl_moe/cli/app.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <new>
#include <string_view>
#include <thread>
#include <vector>

#include "moe/backend/cpu/isa/instruction_set.hpp"
#include "moe/core/require.hpp"
#include "moe/version.hpp"
#include "multipl_moe/cli/commands.hpp"
#include "multipl_moe/cli/config_file.hpp"
#include "multipl_moe/cli/former_names.hpp"
#include "multipl_moe/cli/hardware_errors.hpp"
#include "multipl_moe/cli/interrupted.hpp"
#include "multipl_moe/cli/unknown_words.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"
#include "multipl_moe/mpi/launch.hpp"

namespace multipl_moe {

namespace {

/// Names each option's environment variable: MOE_LEARNING_RATE for `--learning-rate`.
void name_environment_variables(CLI::App& command) {
  for (CLI::Option* option : command.get_options()) {
    std::string name = option->get_single_name();
    if (name == "help" || option->get_lnames().empty()) continue;
    std::replace(name.begin(), name.end(), '-', '_');
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::toupper(c); });
    option->envname("MOE_" + name);
  }
}

/// The processes that were started with this one; null before they are known, or if there are none.
const RunRanks* started_together = nullptr;

/// Processes that fail alike must not all say so: the first one ends the others before they do.
void wait_for_the_first() {
  constexpr std::chrono::milliseconds longer{500};
  if (started_together != nullptr && started_together->rank() > 0) std::this_thread::sleep_for(longer);
}

int report(int exit_code, const std::string& message) {
  wait_for_the_first();
  alarm(started_together == nullptr ? fmt::format("error: {}\n", message)
                                    : fmt::format("[{}] error: {}\n", started_together->rank(), message));
  return exit_code;
}

/// Learns of the processes that a launcher has started with this one. Throws UsageError for a command that runs in one.
void join_others(const std::vector<std::string>& words) {
  started_together = launched_ranks().get();
  if (started_together == nullptr) return;
  if (started_together->rank() > 0) {
    drop_notices();
    // Every process computes the same output.
    if (std::freopen("/dev/null", "w", stdout) == nullptr) throw IoError("/dev/null", "open", errno);
  }
  constexpr std::array<std::string_view, 3> shared{"pretrain", "train", "eval"};
  const std::string command = words.empty() ? std::string() : words.front();
  if (std::find(shared.begin(), shared.end(), command) == shared.end())
    throw UsageError(
        fmt::format("pretrain, train and eval run in several processes, found {} of `{}`: start it without mpirun or "
                    "srun",
                    started_together->size(), escaped(command)));
}

/// The text of a library error without the function name that it begins with: users of the program do not know it.
std::string without_place(std::string_view message) {
  if (const std::size_t end = message.find("] "); message.starts_with('[') && end != message.npos)
    message.remove_prefix(end + 2);
  return fmt::format(
      "internal error: a layer of the model rejected its input, which an earlier check should have caught: {}",
      message);
}

/// Throws UsageError if MOE_CPU names no instruction set of this CPU.
void choose_instruction_set() {
  try {
    moe::cpu::instruction_set();
  } catch (const moe::Error& error) {
    const std::string_view text = error.what();
    throw UsageError(fmt::format("MOE_CPU {}", escaped(text.substr(text.find(' ') + 1))));
  }
}

int run(int argc, char** argv) {
  CLI::App program{"Extends a code language model to low-resource programming languages with MultiPL-MoE.",
                   "multipl_moe"};
  program.require_subcommand(1);
  program.get_formatter()->column_width(36);
  program.footer(
      "Exit codes: 0 success, 1 failure, 2 wrong command line or setting, 3 bad input file, 4 out of memory,\n"
      "5 I/O error or disk full, 6 non-finite loss, 130 SIGINT or 143 SIGTERM (after a checkpoint).\n"
      "Every option of a command can also be set by an environment variable: --batch-size by MOE_BATCH_SIZE.\n"
      "Order of precedence: command line, environment, file of --config, default.\n"
      "Results go to stdout, progress and messages to stderr.\n"
      "MOE_MEMORY_LIMIT, such as 8GiB, limits the memory of a command, which is refused if it would need more; the\n"
      "processes of mpirun on a machine share it.\n"
      "MOE_CPU, such as avx2, chooses the instruction set of the layers; `doctor` lists those of this CPU.");
  program.set_version_flag(
      "--version",
      [] {
        return fmt::format("multipl_moe {}.{}.{}, layers compiled for {}", moe::version_major, moe::version_minor,
                           moe::version_patch, moe::cpu::name_of(moe::cpu::instruction_set()));
      },
      "Print the version and the instruction set that the layers use, and exit");
  add_info_command(program);
  add_tokenizer_command(program);
  add_exercises_command(program);
  add_prepare_command(program);
  add_pretrain_command(program);
  add_make_checkpoint_command(program);
  add_upcycle_command(program);
  add_train_command(program);
  add_merge_command(program);
  add_export_command(program);
  add_eval_command(program);
  add_evaluate_command(program);
  add_generate_command(program);
  add_trace_command(program);
  add_report_command(program);
  add_probe_command(program);
  add_doctor_command(program);
  add_demo_command(program);
  add_reproduce_command(program);
  for (CLI::App* command : commands_of(program)) name_environment_variables(*command);
  add_config_options(program);
  // Exceeding a file size limit (ulimit -f) is then a write error like a full disk, instead of a fatal signal.
  std::signal(SIGXFSZ, SIG_IGN);

  try {
    choose_instruction_set();
    read_former_variables();
    std::vector<std::string> words = with_current_names({argv + 1, argv + argc});
    join_others(words);
    std::reverse(words.begin(), words.end());  // CLI11 takes them from the end
    program.parse(words);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() != static_cast<int>(CLI::ExitCodes::Success)) {
      const auto unknown = unknown_word(program, {argv + 1, argv + argc});
      report(2, unknown ? *unknown : escaped(error.what(), 1000));
      notice("`multipl_moe --help` lists the commands, `multipl_moe COMMAND --help` lists a command's options.\n");
      return 2;
    }
    program.exit(error);
    std::cout.flush();
  } catch (const Interrupted& interrupted) {
    notice("interrupted; {}\n", interrupted.what());
    return interrupted.exit_code();
  } catch (const std::bad_alloc& error) {
    return report(4, out_of_memory_text(error));
  } catch (const moe::DeviceError& error) {
    return report(1, device_error_text(error));
  } catch (const std::filesystem::filesystem_error& error) {
    return report(5, escaped(error.what(), 1000));
  } catch (const std::exception& error) {
    if (const auto exit_code = exit_code_of(error)) return report(*exit_code, error.what());
    const bool is_of_library = dynamic_cast<const moe::Error*>(&error) != nullptr;
    return report(1, is_of_library ? without_place(error.what()) : error.what());
  }
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) return report(5, "stdout cannot be written");
  return 0;
}

}  // namespace

int run_program(int argc, char** argv) {
  const int exit_code = run(argc, argv);
  // The other processes would wait for this one. After a signal all have ended alike.
  constexpr int of_a_signal = 128;
  if (started_together != nullptr && exit_code != 0 && exit_code < of_a_signal) {
    wait_for_the_first();
    started_together->library()->abort(exit_code);
  }
  return exit_code;
}

}  // namespace multipl_moe
