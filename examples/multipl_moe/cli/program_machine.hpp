/// What executes programs: the sandbox, the compilers, and their self-test.
#pragma once

#include <optional>
#include <set>
#include <string>

#include "multipl_moe/benchmark/self_test.hpp"
#include "multipl_moe/benchmark/toolchain.hpp"
#include "multipl_moe/cli/evaluate_options.hpp"
#include "multipl_moe/sandbox/sandbox.hpp"

namespace multipl_moe {

/// What this machine has, before anything is tested.
struct MachineParts {
  std::optional<sandbox::Sandbox> sandbox;
  std::string why_no_sandbox;             ///< and what would allow it
  std::set<Language> installed, missing;  ///< of the languages that were asked for

  /// A line for each missing part, with what installs it, each after a line break; empty if nothing is missing.
  std::string missing_text() const;
};

/// Opens the sandbox, and looks for the compilers of the languages. Throws IoError if the folder for temporary files is
/// full.
MachineParts find_machine_parts(const EvaluateFlags& flags, const std::set<Language>& languages);

class ProgramMachine {
 public:
  /// Uses the installed languages of `parts`, which have a sandbox. Tests those of them that have not passed before, or
  /// all with `anew`. Throws Failure if a compiler does not work; IoError if --cache cannot be written to.
  ProgramMachine(const MachineParts& parts, const EvaluateFlags& flags, bool anew);

  const benchmark::Toolchain& toolchain() const { return toolchain_; }
  const benchmark::SelfTest& self_test() const { return self_test_; }

 private:
  sandbox::Sandbox sandbox_;
  benchmark::Toolchain toolchain_;
  benchmark::SelfTest self_test_;
};

/// Throws Failure that names everything that is missing.
void require_complete(const MachineParts& parts);

/// Warns of --sandbox none.
void warn_unsandboxed(const EvaluateFlags& flags);

}  // namespace multipl_moe
