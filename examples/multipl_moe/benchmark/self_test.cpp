#include "multipl_moe/benchmark/self_test.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <utility>

#include "multipl_moe/benchmark/for_each_in_slots.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe::benchmark {

namespace {

const std::vector<KnownProgram> python_programs{
    {"that passes", Status::ok, "def f(x):\n    return x + 1\n\nassert f(1) == 2\nprint('done')\n"},
    {"that fails a test", Status::exception, "def f(x):\n    return x\n\nassert f(1) == 2\n"},
    {"that does not compile", Status::syntax_error, "def f(x):\n    return x +\n\nassert f(1) == 2\n"},
    {"without end", Status::timeout, "while True:\n    pass\n"},
    {"that exits early", Status::early_exit, "import os\nos._exit(0)\nassert False\n"}};

const std::vector<KnownProgram> java_programs{
    {"that passes", Status::ok,
     "import org.javatuples.*;\nclass Problem {\n    public static long f(Pair<Long, Long> x) { return x.getValue0() + "
     "1; "
     "}\n    public static void main(String[] args) {\n        assert(f(Pair.with(1l, 2l)) == (2l));\n    }\n}\n"},
    {"that fails a test", Status::exception,
     "class Problem {\n    public static void main(String[] args) {\n        assert(1 + 1 == 3);\n    }\n}\n"},
    {"that does not compile", Status::syntax_error,
     "class Problem {\n    public static void main(String[] args) {\n        int x = ;\n    }\n}\n"},
    {"without end", Status::timeout,
     "class Problem {\n    public static void main(String[] args) {\n        while (true) { }\n    }\n}\n"},
    {"that exits early", Status::early_exit,
     "class Problem {\n    static { System.exit(0); }\n    public static void main(String[] args) {\n        "
     "assert(false);"
     "\n    }\n}\n"}};

const std::vector<KnownProgram> cpp_programs{
    {"that passes", Status::ok,
     "#include <cassert>\nlong f(long x) { return x + 1; }\nint main() { assert(f(1) == 2); }\n"},
    {"that fails a test", Status::exception, "#include <cassert>\nint main() { assert(1 + 1 == 3); }\n"},
    {"that does not compile", Status::syntax_error, "int main() { return }\n"},
    {"without end", Status::timeout, "int main() { for (volatile int i = 0;; i = i + 1) { } }\n"},
    {"that exits early", Status::early_exit, "#include <cstdlib>\nint main() { std::exit(0); return 1; }\n"}};

const std::vector<KnownProgram> rust_programs{
    {"that passes", Status::ok, "fn f(x: isize) -> isize { x + 1 }\nfn main() { assert_eq!(f(1), 2); }\n"},
    {"that fails a test", Status::exception, "fn main() { assert_eq!(1 + 1, 3); }\n"},
    {"that does not compile", Status::syntax_error, "fn main() { let x: isize = \"a\"; }\n"},
    {"without end", Status::timeout, "fn main() { loop { } }\n"},
    {"that exits early", Status::early_exit, "fn main() { std::process::exit(0); }\n"}};

const std::vector<KnownProgram> go_programs{
    {"that passes", Status::ok,
     "package f_test\n\nimport \"testing\"\n\nfunc f(x int) int {\n    return x + 1\n}\n\nfunc TestF(t *testing.T) {\n"
     "    if f(1) != 2 {\n        t.Errorf(\"wrong\")\n    }\n}\n"},
    {"that fails a test", Status::exception,
     "package f_test\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) {\n    t.Errorf(\"wrong\")\n}\n"},
    {"that does not compile", Status::syntax_error,
     "package f_test\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) {\n    x := 1\n}\n"},
    {"without end", Status::timeout,
     "package f_test\n\nimport \"testing\"\n\nfunc TestF(t *testing.T) {\n    for {\n    }\n}\n"},
    {"that exits early", Status::early_exit,
     "package f_test\n\nimport (\n    \"os\"\n    \"testing\"\n)\n\nfunc init() {\n    os.Exit(0)\n}\n\nfunc TestF(t "
     "*testing.T) {\n    t.Errorf(\"wrong\")\n}\n"}};

const std::vector<KnownProgram> ruby_programs{
    {"that passes", Status::ok,
     "def f(x)\n  x + 1\nend\nrequire 'test/unit'\nclass TestF < Test::Unit::TestCase\n  def test_f\n    "
     "assert_equal(2, "
     "f(1))\n  end\nend\n"},
    {"that fails a test", Status::exception,
     "require 'test/unit'\nclass TestF < Test::Unit::TestCase\n  def test_f\n    assert_equal(2, 1)\n  end\nend\n"},
    {"that does not compile", Status::syntax_error, "def f(x)\n  x +\n"},
    {"without end", Status::timeout, "loop { }\n"},
    {"that exits early", Status::early_exit,
     "__END__\nrequire 'test/unit'\nclass TestF < Test::Unit::TestCase\n  def test_f\n    assert_equal(2, 1)\n  end\n"
     "end\n"}};

/// The time that a program gets: little for one without end, the protocol's limit (0) for the others. In Go the
/// compiler is part of the run.
double seconds_for(Language language, const KnownProgram& program) {
  if (program.status != Status::timeout) return 0;
  return language == Language::go ? 2 : 0.5;
}

std::string titles_of(const std::set<Language>& languages) {
  std::vector<std::string_view> titles;
  for (const Language language : languages) titles.push_back(title_of(language));
  return fmt::format("{}", fmt::join(titles, ", "));
}

void run_known_programs(const Toolchain& toolchain, int jobs, const PassedSelfTests& passed, SelfTest& test) {
  std::vector<std::pair<Language, const KnownProgram*>> programs;
  for (const Language language : test.tested)
    for (const KnownProgram& program : known_programs(language)) programs.emplace_back(language, &program);
  std::vector<Result> results(programs.size());
  for_each_in_slots(programs.size(), jobs, [&](std::size_t i, int slot) {
    const auto& [language, program] = programs[i];
    results[i] = toolchain.run(language, program->source, slot, seconds_for(language, *program));
    return true;
  });
  std::set<Language> faulty;
  for (std::size_t i = 0; i < programs.size(); ++i) {
    const auto& [language, program] = programs[i];
    const Result& found = results[i];
    if (found.status == program->status) continue;
    faulty.insert(language);
    test.faults.push_back(
        {language, fmt::format("{}: a program {} must get the status {}, found {} ({}, exit code {}, signal "
                               "{}); stderr: {}",
                               title_of(language), program->what, name_of(program->status), name_of(found.status),
                               name_of(found.stage), found.exit_code, found.signal,
                               escaped(found.err.empty() ? found.out : found.err, 300))});
  }
  for (const Language language : test.tested)
    if (!faulty.contains(language)) passed.store(self_test_key(toolchain, language));
}

}  // namespace

const std::vector<KnownProgram>& known_programs(Language language) {
  switch (language) {
    case Language::python:
      return python_programs;
    case Language::java:
      return java_programs;
    case Language::cpp:
      return cpp_programs;
    case Language::rust:
      return rust_programs;
    case Language::go:
      return go_programs;
    case Language::ruby:
      break;
  }
  return ruby_programs;
}

SelfTest self_test(const Toolchain& toolchain, int jobs, const PassedSelfTests& passed) {
  SelfTest test;
  for (const Language language : toolchain.languages())
    if (const auto when = passed.find(self_test_key(toolchain, language)))
      test.passed_before[language] = *when;
    else
      test.tested.insert(language);
  run_known_programs(toolchain, jobs, passed, test);
  return test;
}

SelfTest self_test_anew(const Toolchain& toolchain, int jobs, const PassedSelfTests& passed) {
  SelfTest test;
  test.tested = toolchain.languages();
  run_known_programs(toolchain, jobs, passed, test);
  return test;
}

void require_passed(const SelfTest& test) {
  if (test.faults.empty()) return;
  std::string text;
  for (const SelfTestFault& fault : test.faults) text += "\n  " + fault.text;
  throw Failure(
      fmt::format("[evaluate] nothing is scored, since programs with a known status got another one:{}", text));
}

std::string text_of(const SelfTest& test) {
  std::map<std::string, std::set<Language>> before;
  for (const auto& [language, when] : test.passed_before) before[when].insert(language);
  std::vector<std::string> parts;
  if (!test.tested.empty())
    parts.push_back(fmt::format("{} {} now", titles_of(test.tested), test.faults.empty() ? "passed" : "failed"));
  for (const auto& [when, languages] : before)
    parts.push_back(fmt::format("{} passed on {} with the same compilers, sandbox, kernel and program (in the cache)",
                                titles_of(languages), when));
  return fmt::format("self-test: {}", fmt::join(parts, "; "));
}

}  // namespace multipl_moe::benchmark
