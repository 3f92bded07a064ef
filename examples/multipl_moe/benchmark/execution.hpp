/// Runs many programs, several at a time.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "multipl_moe/benchmark/result_cache.hpp"
#include "multipl_moe/benchmark/toolchain.hpp"

namespace multipl_moe::benchmark {

struct Task {
  Language language = Language::python;
  std::string program;

  auto operator<=>(const Task&) const = default;
};

struct Executed {
  Result result;
  bool is_cached = false;  ///< the result is that of an equal program, of this run or in the cache
};

struct ExecutionListener {
  /// Called with every final result, from one thread at a time; time-outs are final after their second run.
  std::function<void(std::size_t task, const Executed& executed)> done{};
  /// Called after each program that has run, for a progress line.
  std::function<void()> ran{};
  /// Asked before every program; true ends the execution.
  std::function<bool()> should_stop{};
};

/// Runs each program that has no result in `known` yet, equal ones once, in the slots 0 .. jobs - 1. Those that exceed
/// a time limit are run once more at the end, alone: what counts then is not what other programs did at the same time.
/// A result is empty if the execution was stopped before.
std::vector<std::optional<Executed>> execute(const Toolchain& toolchain, const ResultCache& cache,
                                             std::span<const Task> tasks, std::vector<std::optional<Executed>> known,
                                             int jobs, const ExecutionListener& listener);

}  // namespace multipl_moe::benchmark
