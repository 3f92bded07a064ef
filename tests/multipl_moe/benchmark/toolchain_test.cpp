#include "multipl_moe/benchmark/toolchain.hpp"

#include <algorithm>
#include <filesystem>

#include "../io/scratch.hpp"
#include "add_problems.hpp"
#include "multipl_moe/benchmark/execution.hpp"
#include "multipl_moe/benchmark/self_test.hpp"
#include "multipl_moe/benchmark/solvability.hpp"
#include "support/catch.hpp"

namespace toolchain_test {

using namespace multipl_moe;
using namespace multipl_moe::benchmark;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Sandbox and compilers, opened once for all tests.
struct Setting {
  sandbox::Sandbox box = sandbox::Sandbox::open(sandbox::Mode::bubblewrap, 2);
  Toolchain toolchain{box, {}, six_languages, {}};
};

const Setting* setting() {
  static const std::string missing = why_not_run(six_languages);
  if (!missing.empty()) {
    WARN(missing);
    return nullptr;
  }
  static const Setting opened;
  return &opened;
}

}  // namespace

TEST_CASE("programs of known status get it in every language", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  const SelfTest test = self_test(s->toolchain, 2, PassedSelfTests({}));
  for (const SelfTestFault& fault : test.faults) FAIL_CHECK(fault.text);
  CHECK(test.tested == six_languages);
  CHECK(test.passed_before.empty());
  CHECK(s->toolchain.limits_text(Language::cpp) == "15 s + 15 s");
  CHECK(s->toolchain.limits_text(Language::rust) == "15 s + 5 s");
  CHECK(s->toolchain.limits_text(Language::go) == "30 s");
}

TEST_CASE("a version names everything that a result depends on", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  for (const Language language : all_languages) CHECK(s->toolchain.version(language).size() > 3);
  CHECK_THAT(s->toolchain.version(Language::java), ContainsSubstring("javac ") &&
                                                       ContainsSubstring("; openjdk version ") &&
                                                       ContainsSubstring("; javatuples.jar XXH3 "));
  CHECK_THAT(s->toolchain.version(Language::rust), ContainsSubstring("rustc ") && ContainsSubstring("; cc "));
  CHECK_THAT(s->toolchain.version(Language::ruby), ContainsSubstring("ruby ") && ContainsSubstring("; test-unit "));
}

TEST_CASE("a self-test that has passed is remembered, and nothing else", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  const ScratchFolder scratch;
  const PassedSelfTests passed(scratch.path());
  const std::set<Language> python{Language::python}, both{Language::python, Language::ruby};
  const Toolchain one(s->box, {}, python, {}), two(s->box, {}, both, {});
  const SelfTest first = self_test(one, 2, passed);
  CHECK(first.tested == python);
  CHECK(text_of(first) == "self-test: Python passed now");
  const SelfTest second = self_test(two, 2, passed);
  CHECK(second.tested == std::set<Language>{Language::ruby});
  CHECK(second.passed_before.at(Language::python).ends_with(" UTC"));
  CHECK_THAT(text_of(second), ContainsSubstring("Ruby passed now; Python passed on 2") &&
                                  ContainsSubstring("with the same compilers, sandbox, kernel and program"));
  CHECK(self_test(two, 2, passed).tested.empty());
  CHECK(self_test_anew(two, 2, passed).tested == both);
  // Other limits of time, another way of running, a damaged file.
  CHECK(
      self_test(Toolchain(s->box, {sandbox::Mode::bubblewrap, Protocol::exercises, 1}, python, {}), 2, passed).tested ==
      python);
  const auto bare = sandbox::Sandbox::open(sandbox::Mode::none, 1);
  CHECK(self_test_key(Toolchain(bare, {sandbox::Mode::none}, python, {}), Language::python) !=
        self_test_key(one, Language::python));
  for (const auto& entry : std::filesystem::directory_iterator(scratch / "self_tests")) put_bytes(entry.path(), "{}");
  CHECK(self_test(one, 2, passed).tested == python);
}

TEST_CASE("a self-test that fails is an error with the difference, and is not remembered", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  const ScratchFolder scratch;
  const PassedSelfTests passed(scratch.path());
  // A limit below the start of the interpreter: every program ends by it.
  const Toolchain hasty(s->box, {sandbox::Mode::bubblewrap, Protocol::multipl_e, 1e-5}, {Language::python}, {});
  const SelfTest test = self_test(hasty, 1, passed);
  CHECK(test.faults.size() >= 3);
  CHECK(text_of(test) == "self-test: Python failed now");
  CHECK_THROWS_WITH(require_passed(test),
                    ContainsSubstring("nothing is scored") &&
                        ContainsSubstring("Python: a program that passes must get the status OK"));
  CHECK(names_in(scratch.path()).empty());
}

TEST_CASE("completions of a problem in MultiPL-E's form get their status", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  for (const AddProblem& add : add_problems()) {
    const Language language = add.problem.language;
    INFO(multipl_moe::name_of(language));
    const auto run = [&](const std::string& completion) {
      return s->toolchain.run(language, program_of(add.problem, completion), 0);
    };
    CHECK(run(add.right).status == Status::ok);
    CHECK(run(add.wrong).status == Status::exception);
    const Result broken = run(add.broken);
    CHECK(broken.status == Status::syntax_error);
    CHECK(broken.stage == Stage::compile);
    CHECK(multipl_e_status(broken, language) == "SyntaxError");
    CHECK(run(add.early).status == Status::early_exit);
    CHECK(run(aborting_completion(add.problem)).status != Status::syntax_error);
    CHECK(run(aborting_completion(add.problem)).status != Status::ok);
  }
}

TEST_CASE("output is kept without the end marker, and a signal is told from a failed test", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  const Result printed =
      s->toolchain.run(Language::python, "import sys\nprint('out')\nprint('err', file=sys.stderr)\n", 0);
  CHECK(printed.status == Status::ok);
  CHECK(printed.out == "out\n");
  CHECK(printed.err == "err\n");
  CHECK(printed.seconds > 0);
  const Result much = s->toolchain.run(Language::python, "print('\\xff' * 5000)\n", 0);
  CHECK(much.out.size() == kept_output_bytes);
  CHECK(s->toolchain.run(Language::python, "while True: print('x' * 10000)\n", 0).status == Status::output_limit);
  CHECK(s->toolchain.run(Language::cpp, "int main() { *(volatile int*)nullptr = 1; }\n", 0).status == Status::signal);
  CHECK(s->toolchain.run(Language::cpp, "#include <new>\nint main() { throw 1; }\n", 0).status == Status::exception);
  // A Ruby program that fails to run, but parses, is not a syntax error, as it is for MultiPL-E.
  const Result ruby = s->toolchain.run(Language::ruby, "no_such_method\n", 0);
  CHECK(ruby.status == Status::exception);
  CHECK(multipl_e_status(ruby, Language::ruby) == "SyntaxError");
  // Ruby's test/unit without a test of its own would run those in files below the working directory: there are none.
  CHECK(s->toolchain.run(Language::ruby, "require 'test/unit'\n", 0).status == Status::early_exit);
}

TEST_CASE("a program cannot pass by printing its environment or by a class with the wrapper's name",
          "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  CHECK(s->toolchain.run(Language::python, "import os\nos.system('env')\nos._exit(0)\n", 0).status ==
        Status::early_exit);
  CHECK(s->toolchain.run(Language::ruby, "$stdout.puts(ENV.to_h)\n$stdout.flush\nexit!(0)\n", 0).status ==
        Status::early_exit);
  const Result java = s->toolchain.run(Language::java,
                                       "class MoeEnd {\n  public static void main(String[] a) {\n    "
                                       "System.out.println(\"\\n\" + System.getenv(\"MOE_END_MARKER\"));\n  }\n}\n"
                                       "class Problem {\n  public static void main(String[] a) {\n    assert false;\n  "
                                       "}\n}\n",
                                       0);
  CHECK(java.status == Status::exception);
  // Output without a line break at its end stays as it is.
  const Result printed = s->toolchain.run(Language::python, "print('out', end='')\n", 0);
  CHECK(printed.status == Status::ok);
  CHECK(printed.out == "out");
}

TEST_CASE("the marker's line is in no variable, file or memory that a program could print", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  const auto status_of = [&](Language language, const std::string& program) {
    return s->toolchain.run(language, program, 0).status;
  };
  // The values of all variables, each in a line of its own, and the program's own text.
  CHECK(status_of(Language::python,
                  "import os\nprint()\nfor v in os.environ.values(): print(v, flush=True)\n"
                  "print(open(__file__).read(), flush=True)\nos._exit(0)\n") == Status::early_exit);
  CHECK(status_of(Language::ruby, "puts ''\nputs ENV.values\nputs File.read(__FILE__)\n$stdout.flush\nexit!(0)\n") ==
        Status::early_exit);
  CHECK(
      status_of(Language::cpp,
                "#include <cstdio>\n#include <cstdlib>\nextern char** environ;\nstruct First { First() {\n"
                "  for (char** v = environ; *v; ++v) { char* p = *v; while (*p && *p != '=') ++p; std::puts(\"\");"
                " std::puts(p + 1); }\n  std::fflush(stdout); std::_Exit(0); } } first;\nint main() { return 1; }\n") ==
      Status::early_exit);
  CHECK(status_of(
            Language::java,
            "class Problem {\n  public static void main(String[] a) {\n    System.out.println();\n"
            "    for (String v : System.getenv().values()) System.out.println(v);\n    System.exit(0);\n  }\n}\n") ==
        Status::early_exit);
  CHECK(status_of(Language::rust,
                  "fn main() {\n    println!();\n    for (_, v) in std::env::vars() { println!(\"{}\", v); }\n"
                  "    std::process::exit(0);\n}\n") == Status::early_exit);
  CHECK(status_of(Language::go,
                  "package f_test\n\nimport (\n    \"fmt\"\n    \"os\"\n    \"strings\"\n    \"testing\"\n)\n\n"
                  "func init() {\n    fmt.Println()\n    for _, v := range os.Environ() {\n        "
                  "fmt.Println(v[strings.Index(v, \"=\")+1:])\n    }\n    os.Exit(0)\n}\n\n"
                  "func TestF(t *testing.T) {\n    t.Errorf(\"wrong\")\n}\n") == Status::early_exit);
}

TEST_CASE("the files of compilers are in a folder of their slot, which the next run removes after a kill",
          "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  const auto folders = [&] {
    const std::string start = s->box.slot_name(0) + ".";
    const std::filesystem::directory_iterator all(std::filesystem::temp_directory_path());
    return std::count_if(begin(all), end(all),
                         [&](const auto& entry) { return entry.path().filename().native().starts_with(start); });
  };
  const auto before = folders();
  {
    const Toolchain toolchain(s->box, {}, {Language::python}, {});
    CHECK(folders() == before + 1);
  }
  CHECK(folders() == before);
}

TEST_CASE("equal programs run once, in any number of jobs with the same results", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  std::vector<Task> tasks;
  for (int i = 0; i < 12; ++i)
    tasks.push_back({i % 2 == 0 ? Language::python : Language::ruby,
                     i < 6 ? "raise 'x'\n" : "print(" + std::to_string(i / 4) + ")\n"});
  const auto statuses = [&](int jobs, int* ran, const ResultCache& cache) {
    ExecutionListener listener;
    listener.ran = [ran] { ++*ran; };
    std::vector<std::pair<Status, std::string>> found;
    for (const auto& executed : execute(s->toolchain, cache, tasks, {}, jobs, listener))
      found.emplace_back(executed.value().result.status, executed.value().result.out);
    return found;
  };
  const ScratchFolder scratch;
  int alone = 0, together = 0, cached = 0;
  const auto expected = statuses(1, &alone, ResultCache({}));
  CHECK(alone == 6);
  CHECK(statuses(2, &together, ResultCache(scratch.path())) == expected);
  CHECK(together == 6);
  CHECK(statuses(2, &cached, ResultCache(scratch.path())) == expected);
  ExecutionListener none;
  for (const auto& executed : execute(s->toolchain, ResultCache(scratch.path()), tasks, {}, 1, none))
    CHECK(executed.value().is_cached);
  // With other limits it is another result.
  const Toolchain slower(s->box, {sandbox::Mode::bubblewrap, Protocol::multipl_e, 2},
                         {Language::python, Language::ruby}, {});
  CHECK_FALSE(execute(slower, ResultCache(scratch.path()), tasks, {}, 1, none)[0]->is_cached);
  // A known result is not computed again, and equal tasks share it.
  std::vector<std::optional<Executed>> known(tasks.size());
  known[0] = Executed{Result{Status::signal}, false};
  const auto continued = execute(s->toolchain, ResultCache({}), tasks, known, 1, none);
  CHECK(continued[0]->result.status == Status::signal);
  CHECK_FALSE(continued[0]->is_cached);
  CHECK(continued[2]->result.status == Status::signal);
  CHECK(continued[2]->is_cached);
  CHECK(continued[6]->result.status == Status::ok);
}

TEST_CASE("a time-out is run once more alone and never cached", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  const Toolchain quick(s->box, {sandbox::Mode::bubblewrap, Protocol::multipl_e, 0.1}, {Language::python}, {});
  const ScratchFolder scratch;
  const std::vector<Task> tasks{{Language::python, "while True: pass\n"}, {Language::python, "pass\n"}};
  for (int run = 0; run < 2; ++run) {
    const auto found = execute(quick, ResultCache(scratch.path()), tasks, {}, 2, {});
    CHECK(found[0]->result.status == Status::timeout);
    CHECK(found[0]->result.runs == 2);
    CHECK_FALSE(found[0]->is_cached);
    CHECK(found[1]->result.status == Status::ok);
    CHECK(found[1]->result.runs == 1);
    CHECK(found[1]->is_cached == (run == 1));
  }
}

TEST_CASE("a problem that cannot be solved is found", "[benchmark][compilers]") {
  const Setting* const s = setting();
  if (s == nullptr) return;
  std::vector<Problem> problems;
  for (AddProblem& add : add_problems()) {
    add.problem.canonical = add.right;
    problems.push_back(add.problem);
  }
  Problem bad = problems[2], idle = problems[0], wrong = problems[5];
  bad.name = "bad";
  bad.tests += "int main() {}\n";
  idle.name = "idle";
  idle.tests = "assert True\n";
  wrong.name = "wrong";
  wrong.canonical = "  x\nend\n";
  problems.insert(problems.end(), {bad, idle, wrong});
  const auto found = check_solvability(s->toolchain, ResultCache({}), problems, 2, {});
  REQUIRE(found.size() == problems.size());
  for (std::size_t i = 0; i < 6; ++i) {
    INFO(multipl_moe::name_of(problems[i].language));
    CHECK_FALSE(found[i].cannot_pass());
    CHECK_FALSE(found[i].tests_nothing());
    CHECK(found[i].canonical->status == Status::ok);
  }
  CHECK(found[6].cannot_pass());
  CHECK(found[7].tests_nothing());
  CHECK(found[8].canonical->status == Status::exception);
  CHECK_THAT(solvability_table(problems, found),
             ContainsSubstring("bad (C++): cannot pass") && ContainsSubstring("idle (Python): passes although") &&
                 ContainsSubstring("wrong (Ruby): the file's own solution gets the status Exception"));
}

}  // namespace toolchain_test
