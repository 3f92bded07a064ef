/// Shell commands in tests of programs.
#pragma once

#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <string>

#include "support/catch.hpp"

namespace moe_bench::testing {

struct Outcome {
  int exit_code = -1;
  std::string text;
};

/// Runs a shell command; returns its exit code and what it prints on stdout.
inline Outcome run_shell(const std::string& words) {
  FILE* pipe = popen(words.c_str(), "r");
  REQUIRE(pipe != nullptr);
  Outcome outcome;
  std::array<char, 4096> buffer;
  for (std::size_t n; (n = std::fread(buffer.data(), 1, buffer.size(), pipe)) > 0;)
    outcome.text.append(buffer.data(), n);
  const int status = pclose(pipe);
  outcome.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return outcome;
}

}  // namespace moe_bench::testing
