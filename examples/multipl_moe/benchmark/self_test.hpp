/// Programs whose status is known, run before any score is computed: a compiler that is old, broken or misconfigured
/// would otherwise give zeros silently.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/benchmark/passed_self_tests.hpp"
#include "multipl_moe/benchmark/toolchain.hpp"

namespace multipl_moe::benchmark {

struct KnownProgram {
  std::string_view what;  ///< such as "that loops without end"
  Status status;
  std::string_view source;
};
/// A program that passes, one that fails a test, one that does not compile, one without end, one that exits early.
const std::vector<KnownProgram>& known_programs(Language language);

struct SelfTestFault {
  Language language;
  std::string text;  ///< what was expected and found
};
struct SelfTest {
  std::set<Language> tested;                      ///< in this call
  std::map<Language, std::string> passed_before;  ///< not run again, and when they passed
  std::vector<SelfTestFault> faults;
};
/// Runs the known programs of the toolchain's languages in the slots 0 .. jobs - 1, except those of a language that is
/// found in `passed`; those that pass are stored there. Throws IoError.
SelfTest self_test(const Toolchain& toolchain, int jobs, const PassedSelfTests& passed);
/// The same of every language, found or not.
SelfTest self_test_anew(const Toolchain& toolchain, int jobs, const PassedSelfTests& passed);

/// Throws Failure with all faults if there is one.
void require_passed(const SelfTest& test);

/// Which languages were tested now and which before, in one line.
std::string text_of(const SelfTest& test);

}  // namespace multipl_moe::benchmark
