/// The commands that compile and run a program of each language, with their time limits.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/benchmark/result.hpp"
#include "multipl_moe/data/language.hpp"
#include "multipl_moe/sandbox/sandbox.hpp"

namespace multipl_moe::benchmark {

/// The time limits: those of MultiPL-E's scripts, or 5 s for every run, since exercises need milliseconds.
enum class Protocol { multipl_e, exercises };
std::string_view name_of(Protocol protocol);
/// "multipl-e" or "exercises". Throws UsageError.
Protocol protocol_named(std::string_view name);

/// One command; the program is in /box.
struct Step {
  Stage stage;
  std::vector<std::string> command;
  double cpu_seconds;
  bool writes = false;  ///< into /box
  std::vector<sandbox::Bind> read_only{};
  std::vector<std::string> environment{};
};

/// What commands need beside the program: folders on this machine.
struct SupportFolders {
  std::filesystem::path wrappers{};       ///< end.o, and java/ with the class MoeEnd
  std::filesystem::path go_cache{};       ///< with the folder build
  std::filesystem::path javac_archive{};  ///< javac's own classes in the form in which they start fast; may be empty
};

/// The steps of a language in their order; `scale` is a factor of the time limits.
std::vector<Step> steps_of(Language language, Protocol protocol, double scale, const SupportFolders& support);

/// javac with the options of every call, followed by `options`.
std::vector<std::string> javac_command(const std::vector<std::string>& options);

/// The environment of Go, whose build cache is the folder `build_cache` in the sandbox.
std::vector<std::string> go_environment(const std::string& build_cache);

}  // namespace multipl_moe::benchmark
