#include "multipl_moe/cli/program_machine.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "multipl_moe/benchmark/tools.hpp"
#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/notice.hpp"

namespace multipl_moe {

namespace {

/// The folder of --cache, which exists and can be written to afterwards: not after hours of generation, but now.
std::filesystem::path usable_cache(const std::string& cache) {
  if (cache.empty()) return {};
  create_folders(cache);
  if (::access(cache.c_str(), W_OK | X_OK) != 0) throw IoError(cache, "write to", errno);
  return cache;
}

benchmark::SelfTest tested(const benchmark::Toolchain& toolchain, const EvaluateFlags& flags, bool anew) {
  const benchmark::PassedSelfTests passed(flags.cache);
  return anew ? benchmark::self_test_anew(toolchain, flags.jobs, passed)
              : benchmark::self_test(toolchain, flags.jobs, passed);
}

}  // namespace

std::string MachineParts::missing_text() const {
  std::string text;
  if (!sandbox) text += "\n  sandbox: " + why_no_sandbox;
  for (const Language language : missing)
    text += fmt::format("\n  {}: apt-get install {}; or leave it out with --languages", title_of(language),
                        benchmark::tool_of(language).packages);
  return text;
}

MachineParts find_machine_parts(const EvaluateFlags& flags, const std::set<Language>& languages) {
  MachineParts parts;
  try {
    parts.sandbox = sandbox::Sandbox::open(flags.execution().mode, flags.jobs);
  } catch (const Failure& failure) {
    const std::string_view message = failure.what();
    constexpr std::string_view place = "[sandbox] ";
    parts.why_no_sandbox = message.substr(message.starts_with(place) ? place.size() : 0);
  }
  for (const Language language : languages)
    (benchmark::is_installed(language) ? parts.installed : parts.missing).insert(language);
  return parts;
}

ProgramMachine::ProgramMachine(const MachineParts& parts, const EvaluateFlags& flags, bool anew)
    : sandbox_(parts.sandbox.value()),
      toolchain_(sandbox_, flags.execution(), parts.installed, usable_cache(flags.cache), flags.jobs),
      self_test_(tested(toolchain_, flags, anew)) {}

void require_complete(const MachineParts& parts) {
  if (const std::string missing = parts.missing_text(); !missing.empty())
    throw Failure("[evaluate] this machine cannot execute the programs; what is missing:" + missing);
}

void warn_unsandboxed(const EvaluateFlags& flags) {
  if (flags.sandbox == "none")
    notice("warning: --sandbox none: programs that a model wrote run with your rights, without isolation\n");
}

}  // namespace multipl_moe
