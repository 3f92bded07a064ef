/// What became of a program: its status, and the figures of its run.
#pragma once

#include <array>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "multipl_moe/data/language.hpp"

namespace multipl_moe::benchmark {

enum class Status : std::uint8_t {
  ok,             ///< every test passed
  exception,      ///< a test failed, or the program ended with an error
  syntax_error,   ///< the program does not compile
  timeout,        ///< a time limit ended it
  out_of_memory,  ///< the memory limit ended it
  output_limit,   ///< it printed too much
  signal,         ///< a signal other than that of abort() ended it
  early_exit      ///< it ended without an error before its last test
};
inline constexpr std::array all_statuses{Status::ok,      Status::exception,     Status::syntax_error,
                                         Status::timeout, Status::out_of_memory, Status::output_limit,
                                         Status::signal,  Status::early_exit};
inline constexpr std::size_t status_count = all_statuses.size();
constexpr std::size_t index_of(Status status) { return static_cast<std::size_t>(status); }

/// The name in results.jsonl: OK, Exception, SyntaxError, Timeout, OutOfMemory, OutputLimit, Signal, EarlyExit.
std::string_view name_of(Status status);

enum class Stage : std::uint8_t { compile, run };
std::string_view name_of(Stage stage);

struct Result {
  Status status = Status::exception;
  Stage stage = Stage::run;             ///< in which the program ended
  int exit_code = 0;                    ///< 0 if a signal or a limit ended it
  int signal = 0;                       ///< 0 if it exited
  double seconds = 0, cpu_seconds = 0;  ///< of both stages
  std::int64_t peak_bytes = 0;          ///< 0: unknown
  int runs = 1;                         ///< 2 if a time-out was run again
  std::string out{}, err{};             ///< UTF-8, the first 2 KiB of each

  bool operator==(const Result&) const = default;
};

inline constexpr std::size_t kept_output_bytes = 2048;

/// The fields status, stage, exit_code, signal, seconds, cpu_seconds, peak_bytes, runs, stdout and stderr.
nlohmann::ordered_json to_json(const Result& result);
/// Reads them back. Throws JsonFault.
Result result_of(const nlohmann::json& value);

/// The status that MultiPL-E's evaluation script gives: OK, SyntaxError, Exception or Timeout.
std::string_view multipl_e_status(const Result& result, Language language);

}  // namespace multipl_moe::benchmark
