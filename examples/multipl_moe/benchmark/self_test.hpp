/// Programs whose status is known, run before any score is computed: a compiler that is old, broken or misconfigured
/// would otherwise give zeros silently.
#pragma once

#include <string>
#include <string_view>
#include <vector>

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
/// Runs the known programs of the toolchain's languages in the slots 0 .. jobs - 1. Returns what went wrong.
std::vector<SelfTestFault> self_test(const Toolchain& toolchain, int jobs);
/// The same; throws Failure with all faults if there is one.
void require_self_test(const Toolchain& toolchain, int jobs);

}  // namespace multipl_moe::benchmark
