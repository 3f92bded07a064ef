/// The line that shows that a program has reached the end of its tests. Code that is added to the program, or a wrapper
/// of its main(), prints it then: exit code 0 is also that of exit(0) before the tests.
///
/// A program gets a random word, its secret, in an environment variable; the line is the word backwards. So the line is
/// in no file and in no variable that a program could print, on purpose or not. A program that repeats what the added
/// code does can print it all the same: both are one process, which has no secrets from itself.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::benchmark {

class EndMarker {
 public:
  /// Draws a secret.
  EndMarker();

  /// NAME=value for the program.
  std::string variable() const;
  /// Removes the marker's line, with the line break before it, from the output; returns whether it was there. It must
  /// be a whole line.
  bool take_from(std::string& out) const;

 private:
  std::string secret_;
};

/// Writes the program's source to `folder`, with what prints the marker in Python, Ruby and Go.
void put_program(Language language, std::string_view program, const std::filesystem::path& folder);

/// C source of a wrapper, for `-Wl,--wrap=main`, and Java source of the class MoeEnd, which calls Problem.main.
extern const char* const c_wrapper;
extern const char* const java_wrapper;

/// A hash of everything that is added to programs.
std::uint64_t wrappers_hash();

}  // namespace multipl_moe::benchmark
