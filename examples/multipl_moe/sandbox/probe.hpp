/// A program that tries to leave the sandbox, by which the sandbox checks itself. It needs no compiler and no
/// interpreter: it is an executable file of a few hundred bytes that makes the system calls of a table and writes each
/// result to stdout.
#pragma once

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace multipl_moe::sandbox {

/// A system call and the result that it must have in the sandbox.
struct Attempt {
  std::string what;  ///< completes "a program in it "
  std::int64_t call = 0;
  std::array<std::int64_t, 6> arguments{};
  std::string path;  ///< replaces the argument `path_index`, if it is not empty
  int path_index = 1;
  bool any_success = false;   ///< any result that is not an error is right
  std::int64_t expected = 0;  ///< otherwise: minus the number of an error, or a value
};

/// What must fail, or have a known result, in a sandbox whose programs have that user ID.
std::vector<Attempt> attempts_to_leave(::uid_t user);

/// Uses that many bytes of shared memory, then waits.
std::vector<Attempt> attempt_to_use_memory(std::int64_t bytes);

/// The bytes of an executable file for this CPU.
std::string probe_program(const std::vector<Attempt>& attempts);

/// Compares what the probe has written with the expected results. Returns what is wrong, in words; empty: nothing.
std::string wrong_result(const std::vector<Attempt>& attempts, std::string_view written);

}  // namespace multipl_moe::sandbox
