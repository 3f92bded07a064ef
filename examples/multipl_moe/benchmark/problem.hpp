/// A problem of a benchmark, and the program that a completion of its prompt makes.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::benchmark {

struct Problem {
  std::string name;  ///< unique within a language
  Language language = Language::python;
  std::string prompt, tests;
  std::vector<std::string> stop_tokens{};    ///< the first of them ends a completion and is no part of it
  std::string canonical{};                   ///< a completion that solves the problem; empty: the file has none
  std::string family{}, level{}, stratum{};  ///< of exercises
  std::string benchmark{};                   ///< name of the benchmark
};

/// The program: prompt, completion, a line break and the tests, byte for byte. In C++, Java and Rust the tests begin
/// with the brace that closes the function.
std::string program_of(const Problem& problem, std::string_view completion);

/// `completion` up to the first occurrence of a stop text.
std::string_view cut_at_stop(std::string_view completion, std::span<const std::string> stop_tokens);

/// A completion whose function aborts: a program that cannot pass, but compiles if its prompt and tests do.
std::string aborting_completion(const Problem& problem);

/// The problem with the white space at the prompt's end removed.
Problem with_stripped_prompt(Problem problem);

}  // namespace multipl_moe::benchmark
