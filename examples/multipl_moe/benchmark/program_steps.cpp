#include "multipl_moe/benchmark/program_steps.hpp"

#include <fmt/format.h>

#include "multipl_moe/benchmark/tools.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::benchmark {

std::string_view name_of(Protocol protocol) { return protocol == Protocol::multipl_e ? "multipl-e" : "exercises"; }

Protocol protocol_named(std::string_view name) {
  for (const Protocol protocol : {Protocol::multipl_e, Protocol::exercises})
    if (name_of(protocol) == name) return protocol;
  throw UsageError(fmt::format("[protocol] must be multipl-e or exercises, found '{}'", escaped(name)));
}

std::vector<std::string> go_environment(const std::string& build_cache) {
  return {"GO111MODULE=off", "GOPROXY=off", "CGO_ENABLED=0", "GOMAXPROCS=2", "GOCACHE=" + build_cache};
}

std::vector<std::string> javac_command(const std::vector<std::string>& options) {
  std::vector<std::string> command{"javac",
                                   "-J-Xmx1g",
                                   "-J-XX:TieredStopAtLevel=1",
                                   "-J-XX:+UseSerialGC",
                                   "-J-Xshare:auto",
                                   "-encoding",
                                   "UTF8",
                                   "-proc:none",
                                   "-cp",
                                   javatuples};
  command.insert(command.end(), options.begin(), options.end());
  return command;
}

namespace {

Step java_compile_step(const std::string& source, double seconds, const SupportFolders& support) {
  Step step{Stage::compile, javac_command({"-d", "/box/classes", source}), seconds, true};
  if (support.javac_archive.empty()) return step;
  step.command.insert(step.command.begin() + 1, "-J-XX:SharedArchiveFile=/archive/javac.jsa");
  step.read_only = {{support.javac_archive, "/archive/javac.jsa"}};
  return step;
}

}  // namespace

std::vector<Step> steps_of(Language language, Protocol protocol, double scale, const SupportFolders& support) {
  const Tool& tool = tool_of(language);
  const auto box = [](const std::string& file) { return "/box/" + file; };
  const auto wrapper = [](const std::string& file) { return "/support/" + file; };
  const sandbox::Bind wrappers{support.wrappers, "/support"};
  constexpr double exercise_seconds = 5;
  const double compile_seconds = tool.compile_seconds * scale;
  const double run_seconds = (protocol == Protocol::exercises ? exercise_seconds : tool.run_seconds) * scale;
  const std::string source = box(tool.source), binary = box("program");
  switch (language) {
    case Language::python: {
      // Without a fixed seed, the order of a set of strings is another one in every run.
      return {{Stage::run, {"python3", source}, run_seconds, false, {}, {"PYTHONHASHSEED=0"}}};
    }
    case Language::java: {
      // The wrapper first: a class of the program with its name must not take its place.
      const std::string path = fmt::format("{}:{}:{}", wrapper("java"), box("classes"), javatuples);
      return {java_compile_step(source, compile_seconds, support),
              {Stage::run,
               {"java", "-Xmx1g", "-XX:+UseSerialGC", "-Xshare:auto", "-ea", "-cp", path, "MoeEnd"},
               run_seconds,
               false,
               {wrappers}}};
    }
    case Language::cpp:
      return {{Stage::compile,
               {"g++", source, wrapper("end.o"), "-o", binary, "-std=c++17", "-Wl,--wrap=main"},
               compile_seconds,
               true,
               {wrappers}},
              {Stage::run, {binary}, run_seconds}};
    case Language::rust:
      return {{Stage::compile,
               {"rustc", source, "-o", binary, "-C", "link-arg=" + wrapper("end.o"), "-C", "link-arg=-Wl,--wrap=main"},
               compile_seconds,
               true,
               {wrappers}},
              {Stage::run, {binary}, run_seconds}};
    case Language::go:
      return {{Stage::run,
               {"go", "test", "-v", source, box("zz_end_test.go")},
               run_seconds,
               false,
               {{support.go_cache, "/go_cache"}},
               go_environment("/go_cache/build")}};
    case Language::ruby:
      return {{Stage::run, {"ruby", source}, run_seconds}};
  }
  return {};
}

}  // namespace multipl_moe::benchmark
