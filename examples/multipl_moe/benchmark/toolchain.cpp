#include "multipl_moe/benchmark/toolchain.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <random>
#include <vector>

#include "multipl_moe/io/atomic_folder.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/hash.hpp"
#include "multipl_moe/io/utf8_stream.hpp"

namespace multipl_moe::benchmark {

namespace fs = std::filesystem;
using sandbox::End;

namespace {

constexpr const char* marker_variable = "MOE_END_MARKER";
constexpr const char* javatuples = "/usr/share/java/javatuples.jar";

struct Tool {
  Language language;
  const char* file;     ///< the program's source
  const char* version;  ///< a flag, or an argument
  std::vector<const char*> needs;
  const char* packages;
  double compile_seconds, run_seconds;  ///< of MultiPL-E; 0: not compiled
};

const std::vector<Tool>& tools() {
  static const std::vector<Tool> all{
      {Language::python, "program.py", "--version", {"/usr/bin/python3"}, "python3", 0, 15},
      {Language::java,
       "Problem.java",
       "-version",
       {"/usr/bin/javac", "/usr/bin/java", javatuples},
       "openjdk-17-jdk-headless libjavatuples-java",
       15,
       15},
      {Language::cpp, "program.cpp", "--version", {"/usr/bin/g++", "/usr/bin/cc"}, "g++", 15, 15},
      {Language::rust, "program.rs", "--version", {"/usr/bin/rustc", "/usr/bin/cc"}, "rustc libstd-rust-dev", 15, 5},
      {Language::go, "program_test.go", "version", {"/usr/bin/go"}, "golang-go", 0, 30},
      {Language::ruby, "program.rb", "--version", {"/usr/bin/ruby"}, "ruby", 0, 5}};
  return all;
}

const Tool& tool_of(Language language) { return tools()[multipl_moe::index_of(language)]; }

// The wrappers print the marker after the program's main() has returned without an error. A program that ends in
// another way, such as exit(0), does not return.
constexpr const char* c_wrapper = R"(#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int __real_main(int argc, char** argv, char** environment);

int __wrap_main(int argc, char** argv, char** environment) {
  char line[80] = "";
  const char* marker = getenv("MOE_END_MARKER");
  int length = marker == NULL ? 0 : snprintf(line, sizeof line, "\n%s\n", marker);
  unsetenv("MOE_END_MARKER");
  int code = __real_main(argc, argv, environment);
  if (code == 0) {
    fflush(stdout);
    if (write(STDOUT_FILENO, line, (size_t)length) != length) return code;
  }
  return code;
}
)";

constexpr const char* java_wrapper = R"(import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;

final class MoeEnd {
  public static void main(String[] arguments) throws Throwable {
    Method main = Class.forName("Problem").getDeclaredMethod("main", String[].class);
    main.setAccessible(true);
    try {
      main.invoke(null, (Object) arguments);
    } catch (InvocationTargetException error) {
      throw error.getCause();
    }
    System.out.flush();
    new FileOutputStream(FileDescriptor.out).write(("\n" + System.getenv("MOE_END_MARKER") + "\n").getBytes());
  }
}
)";

constexpr const char* python_end = R"(
try:
    __import__("os").write(1, ("\n" + __import__("os").environ["MOE_END_MARKER"] + "\n").encode())
except BaseException:
    pass
)";

// test/unit runs the tests when the program ends.
constexpr const char* ruby_end = R"(
begin
  moe_end = proc { STDOUT.write("\n" + ENV["MOE_END_MARKER"] + "\n"); STDOUT.flush }
  defined?(Test::Unit::AutoRunner) ? Test::Unit.at_exit(&moe_end) : moe_end.call
rescue Exception
end
)";

constexpr const char* go_end = R"(package {}

import (
	moeos "os"
	moetesting "testing"
)

func TestZzMoeEnd(t *moetesting.T) {{ moeos.Stdout.WriteString("\n" + moeos.Getenv("MOE_END_MARKER") + "\n") }}
)";

/// Imports what programs of benchmarks import, so that Go compiles these packages once.
constexpr const char* go_warm = R"(package warm

import (
	_ "bytes"
	_ "crypto/md5"
	_ "errors"
	_ "fmt"
	_ "math"
	_ "math/rand"
	_ "os"
	_ "reflect"
	_ "regexp"
	_ "sort"
	_ "strconv"
	_ "strings"
	"testing"
	_ "time"
	_ "unicode"
)

func TestWarm(t *testing.T) {}
)";

void put_file(const fs::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file.write(text.data(), static_cast<std::streamsize>(text.size()));
  file.close();
  if (!file) throw IoError(path, "write", errno);
}

/// The name in the program's package clause, with which the further test must agree.
std::string go_package_of(std::string_view program) {
  for (std::size_t begin = 0; begin < program.size();) {
    const std::size_t end = (std::min)(program.find('\n', begin), program.size());
    std::string_view line = program.substr(begin, end - begin);
    if (line.starts_with("package ")) {
      line.remove_prefix(8);
      return std::string(line.substr(0, line.find_first_of(" \t\r;/")));
    }
    begin = end + 1;
  }
  return "main";
}

void put_program(Language language, std::string_view program, const fs::path& folder) {
  std::string text(program);
  if (language == Language::python) text += python_end;
  if (language == Language::ruby) text += ruby_end;
  if (language == Language::go)
    put_file(folder / "zz_end_test.go", fmt::format(fmt::runtime(go_end), go_package_of(program)));
  put_file(folder / tool_of(language).file, text);
}

std::string new_marker() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}{:08x}{:08x}", random(), random(), random(), random());
}

/// Removes the marker's line, with the line break before it, from the output; returns whether it was there. The marker
/// must be a whole line: a list of all environment variables contains it too.
bool take_marker(std::string& out, const std::string& marker) {
  const std::string line = "\n" + marker + "\n";
  const std::size_t at = out.find(line);
  if (at == std::string::npos) return false;
  out.erase(at, line.size());
  return true;
}

std::string kept(std::string_view output) { return valid_utf8(output.substr(0, kept_output_bytes)); }

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

/// An empty folder that a sandboxed compiler, which may run as another user, can use.
fs::path make_folder(const fs::path& path) {
  std::error_code ignored;
  fs::remove_all(path, ignored);
  create_folders(path);
  fs::permissions(path, fs::perms::all);
  return path;
}

Status status_of(const sandbox::Outcome& outcome, Stage stage) {
  switch (outcome.end) {
    case End::timeout:
      return Status::timeout;
    case End::out_of_memory:
      return Status::out_of_memory;
    case End::output_limit:
      return Status::output_limit;
    case End::signaled:
      if (stage == Stage::compile) return Status::syntax_error;
      return outcome.signal == SIGABRT ? Status::exception : Status::signal;
    case End::exited:
      break;
  }
  if (outcome.exit_code == 0) return Status::ok;
  return stage == Stage::compile ? Status::syntax_error : Status::exception;
}

}  // namespace

struct Toolchain::Step {
  Stage stage;
  std::vector<std::string> command;
  double cpu_seconds;
  bool writes = false;
  std::vector<sandbox::Bind> read_only{};
  std::vector<std::string> environment{};
};

std::string_view name_of(Protocol protocol) { return protocol == Protocol::multipl_e ? "multipl-e" : "exercises"; }

Protocol protocol_named(std::string_view name) {
  for (const Protocol protocol : {Protocol::multipl_e, Protocol::exercises})
    if (name_of(protocol) == name) return protocol;
  throw UsageError(fmt::format("[protocol] must be multipl-e or exercises, found '{}'", escaped(name)));
}

std::string missing_packages(const std::set<Language>& languages) {
  std::string packages;
  for (const Language language : languages) {
    const Tool& tool = tool_of(language);
    bool is_missing = false;
    for (const char* const file : tool.needs) is_missing = is_missing || !fs::exists(file);
    if (is_missing) packages += fmt::format("{}{}", packages.empty() ? "" : " ", tool.packages);
  }
  return packages;
}

std::uint64_t Toolchain::wrappers_hash() {
  return hash_of(fmt::format("{}{}{}{}{}", c_wrapper, java_wrapper, python_end, ruby_end, go_end));
}

Toolchain::Toolchain(const sandbox::Sandbox& sandbox, const ExecutionSettings& settings,
                     const std::set<Language>& languages, const fs::path& cache)
    : sandbox_(sandbox),
      settings_(settings),
      languages_(languages),
      work_(sandbox.slot_name(0)),
      support_(work_.path() / "support") {
  // Programs may run as another user, which needs read access to them.
  fs::permissions(work_.path(),
                  fs::perms::group_read | fs::perms::group_exec | fs::perms::others_read | fs::perms::others_exec,
                  fs::perm_options::add);
  if (const std::string packages = missing_packages(languages); !packages.empty())
    throw Failure(fmt::format(
        "[evaluate] programs of these languages cannot be run; missing packages: {0}\n  Install them: apt-get install "
        "{0}\n  or leave their languages out with --languages",
        packages));
  find_versions();
  make_support();
  if (languages.contains(Language::go)) fill_go_cache(cache);
}

std::string Toolchain::limits_text(Language language) const {
  std::string text;
  for (const Step& step : steps_of(language))
    text += fmt::format("{}{} s", text.empty() ? "" : " + ", step.cpu_seconds);
  return text;
}

std::vector<Toolchain::Step> Toolchain::steps_of(Language language) const {
  const Tool& tool = tool_of(language);
  const auto box = [](const std::string& file) { return "/box/" + file; };
  const auto support = [](const std::string& file) { return "/support/" + file; };
  const sandbox::Bind support_bind{support_, "/support"};
  constexpr double exercise_seconds = 5;
  const double compile_seconds = tool.compile_seconds * settings_.timeout_scale;
  const double run_seconds =
      (settings_.protocol == Protocol::exercises ? exercise_seconds : tool.run_seconds) * settings_.timeout_scale;
  const std::string source = box(tool.file), binary = box("program");
  switch (language) {
    case Language::python: {
      // Without a fixed seed, the order of a set of strings is another one in every run.
      return {{Stage::run, {"python3", source}, run_seconds, false, {}, {"PYTHONHASHSEED=0"}}};
    }
    case Language::java: {
      // The wrapper first: a class of the program with its name must not take its place.
      const std::string path = fmt::format("{}:{}:{}", support("java"), box("classes"), javatuples);
      return {{Stage::compile,
               {"javac", "-J-Xmx1g", "-J-XX:TieredStopAtLevel=1", "-J-XX:+UseSerialGC", "-J-Xshare:auto", "-encoding",
                "UTF8", "-proc:none", "-cp", javatuples, "-d", box("classes"), source},
               compile_seconds,
               true},
              {Stage::run,
               {"java", "-Xmx1g", "-XX:+UseSerialGC", "-Xshare:auto", "-ea", "-cp", path, "MoeEnd"},
               run_seconds,
               false,
               {support_bind}}};
    }
    case Language::cpp:
      return {{Stage::compile,
               {"g++", source, support("end.o"), "-o", binary, "-std=c++17", "-Wl,--wrap=main"},
               compile_seconds,
               true,
               {support_bind}},
              {Stage::run, {binary}, run_seconds}};
    case Language::rust:
      return {{Stage::compile,
               {"rustc", source, "-o", binary, "-C", "link-arg=" + support("end.o"), "-C", "link-arg=-Wl,--wrap=main"},
               compile_seconds,
               true,
               {support_bind}},
              {Stage::run, {binary}, run_seconds}};
    case Language::go:
      return {{Stage::run,
               {"go", "test", "-v", source, box("zz_end_test.go")},
               run_seconds,
               false,
               {{go_cache_, "/go_cache"}},
               {"GO111MODULE=off", "GOPROXY=off", "CGO_ENABLED=0", "GOMAXPROCS=2", "GOCACHE=/go_cache/build"}}};
    case Language::ruby:
      return {{Stage::run, {"ruby", source}, run_seconds}};
  }
  return {};
}

sandbox::Outcome Toolchain::run_step(const Step& step, const fs::path& folder, int slot, const std::string& marker,
                                     double cpu_seconds) const {
  sandbox::Job job;
  job.command = step.command;
  job.folder = folder;
  job.folder_is_writable = step.writes;
  job.read_only = step.read_only;
  job.environment = step.environment;
  if (!marker.empty()) job.environment.push_back(fmt::format("{}={}", marker_variable, marker));
  job.limits.cpu_seconds = cpu_seconds > 0 ? (std::min)(cpu_seconds, step.cpu_seconds) : step.cpu_seconds;
  // Wall time catches programs that wait; CPU time does not depend on what else the machine does.
  job.limits.wall_seconds = 3 * job.limits.cpu_seconds;
  job.is_cancelled = settings_.is_cancelled;
  return sandbox_.run(job, slot);
}

Result Toolchain::run(Language language, std::string_view program, int slot, double cpu_seconds) const {
  const fs::path folder = make_folder(work_.path() / fmt::format("slot-{}", slot));
  put_program(language, program, folder);
  if (language == Language::java) make_folder(folder / "classes");
  const std::string marker = new_marker();
  Result result;
  for (const Step& step : steps_of(language)) {
    // Compilers get no marker, which macros of Rust could read.
    sandbox::Outcome outcome = run_step(step, folder, slot, step.stage == Stage::run ? marker : "",
                                        step.stage == Stage::run ? cpu_seconds : 0);
    const bool is_marked = take_marker(outcome.out, marker);
    result.stage = step.stage;
    result.status = status_of(outcome, step.stage);
    result.exit_code = outcome.end == End::exited ? outcome.exit_code : 0;
    result.signal = outcome.end == End::signaled ? outcome.signal : 0;
    result.seconds += outcome.seconds;
    result.cpu_seconds += outcome.cpu_seconds;
    result.peak_bytes = (std::max)(result.peak_bytes, outcome.peak_bytes);
    result.out = kept(outcome.out);
    result.err = kept(outcome.err);
    if (step.stage == Stage::compile && result.status != Status::ok) return result;
    if (step.stage == Stage::compile) continue;
    if (result.status == Status::ok && !is_marked) result.status = Status::early_exit;
    if (result.status != Status::exception) continue;
    if ((language == Language::python && has(outcome.err, "SyntaxError")) ||
        (language == Language::go && (has(outcome.out, "[build failed]") || has(outcome.out, "[setup failed]"))) ||
        (language == Language::ruby && is_bad_ruby(folder, slot))) {
      result.status = Status::syntax_error;
      result.stage = Stage::compile;
    }
  }
  return result;
}

bool Toolchain::is_bad_ruby(const fs::path& folder, int slot) const {
  Step parse = steps_of(Language::ruby).front();
  parse.command.insert(parse.command.begin() + 1, "-c");
  const sandbox::Outcome outcome = run_step(parse, folder, slot, "", 0);
  return outcome.end == End::exited && outcome.exit_code != 0;
}

void Toolchain::run_own(const fs::path& folder, const std::vector<std::string>& command,
                        const std::vector<std::string>& environment, Language language) const {
  constexpr double patience = 300;
  const Step step{Stage::compile, command, patience, true, {}, environment};
  const sandbox::Outcome outcome = run_step(step, folder, 0, "", 0);
  if (outcome.end != End::exited || outcome.exit_code != 0)
    throw Failure(fmt::format("[evaluate] {} of {} must work, but `{}` fails: {}", tool_of(language).packages,
                              title_of(language), fmt::join(command, " "),
                              escaped(outcome.err.empty() ? outcome.out : outcome.err, 500)));
}

void Toolchain::find_versions() {
  const fs::path folder = make_folder(work_.path() / "versions");
  for (const Language language : languages_) {
    const Tool& tool = tool_of(language);
    const std::vector<std::string> command{fs::path(tool.needs.front()).filename(), tool.version};
    const Step step{Stage::run, command, tool.run_seconds, false, {}, {}};
    const sandbox::Outcome outcome = run_step(step, folder, 0, "", 0);
    if (outcome.end != End::exited || outcome.exit_code != 0)
      throw Failure(fmt::format("[evaluate] `{}` of {} must work, but fails: {}", fmt::join(command, " "),
                                tool.packages, escaped(outcome.err, 500)));
    versions_[language] = first_line(valid_utf8(outcome.out.empty() ? outcome.err : outcome.out));
  }
}

void Toolchain::make_support() {
  make_folder(support_);
  if (languages_.contains(Language::cpp) || languages_.contains(Language::rust)) {
    put_file(support_ / "end.c", c_wrapper);
    run_own(support_, {"cc", "-O1", "-c", "end.c", "-o", "end.o"}, {},
            languages_.contains(Language::cpp) ? Language::cpp : Language::rust);
  }
  if (languages_.contains(Language::java)) {
    make_folder(support_ / "java");
    put_file(support_ / "MoeEnd.java", java_wrapper);
    run_own(support_, {"javac", "-d", "java", "MoeEnd.java"}, {}, Language::java);
  }
}

void Toolchain::fill_go_cache(const fs::path& cache) {
  const fs::path parent = cache.empty() ? work_.path() : cache;
  go_cache_ = fs::absolute(parent / fmt::format("go-{:016x}", hash_of(versions_.at(Language::go) + go_warm)));
  if (is_there(go_cache_)) return;
  const fs::path made = make_folder(work_.path() / "go");
  put_file(made / "warm_test.go", go_warm);
  run_own(made, {"go", "test", "warm_test.go"},
          {"GO111MODULE=off", "GOPROXY=off", "CGO_ENABLED=0", "GOMAXPROCS=2", "GOCACHE=/box/build"}, Language::go);
  create_folders(parent);
  std::error_code failed;
  fs::rename(made, go_cache_, failed);
  if (!failed) return;
  // Another file system. The copy gets its name when it is complete.
  const fs::path partial = partial_path(go_cache_);
  fs::remove_all(partial);
  fs::copy(made, partial, fs::copy_options::recursive);
  fs::rename(partial, go_cache_, failed);
  if (failed && !is_there(go_cache_)) throw IoError(go_cache_, "create", failed.value());
}

}  // namespace multipl_moe::benchmark
