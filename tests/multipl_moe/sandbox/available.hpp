/// What the tests of the sandbox need, and the line that says that it is missing.
#pragma once

#include <unistd.h>

#include <initializer_list>
#include <optional>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/sandbox/sandbox.hpp"
#include "support/catch.hpp"

namespace multipl_moe::testing {

/// Whether all of these programs are in /usr/bin. Otherwise a line names the first that is missing.
inline bool are_installed(std::initializer_list<const char*> programs) {
  for (const char* program : programs)
    if (::access((std::string("/usr/bin/") + program).c_str(), X_OK) != 0) {
      WARN(program << " is not installed, so this test was skipped");
      return false;
    }
  return true;
}

/// Empty, after a line with the reason, where bubblewrap is missing or may not isolate programs, as in most containers.
/// A sandbox that is started but does not hold fails the test.
inline std::optional<sandbox::Sandbox> open_or_skip(int slots = 1, const sandbox::Means& means = {}) {
  if (!are_installed({"bwrap"})) return std::nullopt;
  try {
    return sandbox::Sandbox::open(sandbox::Mode::bubblewrap, slots, means);
  } catch (const Failure& error) {
    const std::string reason = error.what();
    if (reason.find("does not hold") != reason.npos) throw;
    WARN(reason << ", so this test was skipped");
    return std::nullopt;
  }
}

}  // namespace multipl_moe::testing
