#include "multipl_moe/benchmark/problem.hpp"

#include <algorithm>

namespace multipl_moe::benchmark {

namespace {

constexpr const char* white_space = " \t\r\n";

/// Whether the tests continue the function: they begin with what closes it.
bool tests_close(const Problem& problem, std::string_view end) {
  const std::size_t begin = problem.tests.find_first_not_of(white_space);
  return begin != std::string::npos && std::string_view(problem.tests).substr(begin).starts_with(end);
}

}  // namespace

std::string program_of(const Problem& problem, std::string_view completion) {
  std::string program;
  program.reserve(problem.prompt.size() + completion.size() + 1 + problem.tests.size());
  program += problem.prompt;
  program += completion;
  program += '\n';
  program += problem.tests;
  return program;
}

std::string_view cut_at_stop(std::string_view completion, std::span<const std::string> stop_tokens) {
  std::size_t end = completion.size();
  for (const std::string& stop : stop_tokens) end = (std::min)(end, completion.find(stop));
  return completion.substr(0, end);
}

std::string aborting_completion(const Problem& problem) {
  switch (problem.language) {
    case Language::python:
      return "    raise NotImplementedError\n";
    case Language::java:
      return tests_close(problem, "}") ? "        throw new RuntimeException();"
                                       : "        throw new RuntimeException();\n}\n";
    case Language::cpp:
      return tests_close(problem, "}") ? "    __builtin_abort();" : "    __builtin_abort();\n}\n";
    case Language::rust:
      return tests_close(problem, "}") ? "    unimplemented!()" : "    unimplemented!()\n}\n";
    case Language::go:
      return tests_close(problem, "}") ? "    panic(0)" : "    panic(0)\n}\n";
    case Language::ruby:
      return tests_close(problem, "end") ? "  raise" : "  raise\nend\n";
  }
  return {};
}

Problem with_stripped_prompt(Problem problem) {
  problem.prompt.erase(problem.prompt.find_last_not_of(white_space) + 1);
  return problem;
}

}  // namespace multipl_moe::benchmark
