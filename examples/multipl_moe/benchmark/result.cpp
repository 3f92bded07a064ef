#include "multipl_moe/benchmark/result.hpp"

#include <fmt/format.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "multipl_moe/benchmark/json_fields.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/strict_json.hpp"

namespace multipl_moe::benchmark {

namespace {

constexpr const char* result_noun = "a result";

constexpr std::array<std::string_view, status_count> status_names{
    "OK", "Exception", "SyntaxError", "Timeout", "OutOfMemory", "OutputLimit", "Signal", "EarlyExit"};

double seconds_in(const nlohmann::json& value, const char* name) {
  const nlohmann::json* const field = field_of(value, {name});
  if (field == nullptr || !field->is_number() || field->get<double>() < 0)
    throw JsonFault({}, fmt::format("{} whose \"{}\" is a number of seconds", result_noun, name));
  return field->get<double>();
}

int small_in(const nlohmann::json& value, const char* name) {
  const auto count = count_in(value, result_noun, name);
  if (!count || *count > (std::numeric_limits<int>::max)())
    throw JsonFault({}, fmt::format("{} whose \"{}\" is a small whole number", result_noun, name));
  return static_cast<int>(*count);
}

Status status_in(const nlohmann::json& value) {
  const std::string name = text_in(value, result_noun, {"status"});
  for (const Status status : all_statuses)
    if (name_of(status) == name) return status;
  throw JsonFault({}, fmt::format("{} with a known \"status\", found '{}'", result_noun, escaped(name, 60)));
}

Stage stage_in(const nlohmann::json& value) {
  const std::string name = text_in(value, result_noun, {"stage"});
  for (const Stage stage : {Stage::compile, Stage::run})
    if (name_of(stage) == name) return stage;
  throw JsonFault({}, fmt::format("{} whose \"stage\" is compile or run, found '{}'", result_noun, escaped(name, 60)));
}

}  // namespace

std::string_view name_of(Status status) { return status_names[index_of(status)]; }

std::string_view name_of(Stage stage) { return stage == Stage::compile ? "compile" : "run"; }

nlohmann::ordered_json to_json(const Result& result) {
  return {{"status", name_of(result.status)},
          {"stage", name_of(result.stage)},
          {"exit_code", result.exit_code},
          {"signal", result.signal},
          {"seconds", result.seconds},
          {"cpu_seconds", result.cpu_seconds},
          {"peak_bytes", result.peak_bytes},
          {"runs", result.runs},
          {"stdout", result.out},
          {"stderr", result.err}};
}

Result result_of(const nlohmann::json& value) {
  require_object(value, result_noun);
  Result result;
  result.status = status_in(value);
  result.stage = stage_in(value);
  result.exit_code = small_in(value, "exit_code");
  result.signal = small_in(value, "signal");
  result.seconds = seconds_in(value, "seconds");
  result.cpu_seconds = seconds_in(value, "cpu_seconds");
  result.peak_bytes = count_in(value, result_noun, "peak_bytes").value_or(0);
  result.runs = small_in(value, "runs");
  result.out = text_in(value, result_noun, {"stdout"});
  result.err = text_in(value, result_noun, {"stderr"});
  return result;
}

std::string_view multipl_e_status(const Result& result, Language language) {
  const bool has_compiled = result.stage == Stage::run;
  // The script compares only the exit code of the compilers of C++ and Java, which a time-out also sets.
  const bool tells_timeouts = has_compiled || (language != Language::cpp && language != Language::java);
  switch (result.status) {
    case Status::ok:
    case Status::early_exit:
      return "OK";
    case Status::syntax_error:
      return "SyntaxError";
    case Status::timeout:
      return tells_timeouts ? "Timeout" : "SyntaxError";
    // The script reads a kilobyte of output every tenth of a second, so that a program which prints much does not end.
    case Status::output_limit:
      return has_compiled ? "Timeout" : "SyntaxError";
    case Status::out_of_memory:
    case Status::signal:
    case Status::exception:
      break;
  }
  if (!has_compiled) return "SyntaxError";
  // In Ruby, the script takes every failure with a message on stderr for a syntax error.
  return language == Language::ruby && !result.err.empty() ? "SyntaxError" : "Exception";
}

}  // namespace multipl_moe::benchmark
