/// The same small problem in six languages, in the form of MultiPL-E's files, with completions of known status.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "multipl_moe/benchmark/problem.hpp"
#include "multipl_moe/benchmark/tools.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/sandbox/sandbox.hpp"

namespace multipl_moe::testing {

struct AddProblem {
  benchmark::Problem problem;
  std::string tag;  ///< MultiPL-E's name of the language
  std::string right, wrong, broken, early;
};

inline std::vector<AddProblem> add_problems() {
  const auto problem = [](Language language, std::string prompt, std::string tests, std::vector<std::string> stops) {
    benchmark::Problem made;
    made.name = "add_two";
    made.language = language;
    made.prompt = std::move(prompt);
    made.tests = std::move(tests);
    made.stop_tokens = std::move(stops);
    return made;
  };
  return {
      {problem(Language::python, "def add_two(x: int) -> int:\n    \"\"\"x plus two\"\"\"\n",
               "def check(candidate):\n    assert candidate(1) == 3\n\ncheck(add_two)\n", {"\ndef", "\n#"}),
       "py", "    return x + 2\n", "    return x\n", "    return x +\n", "    import os\n    os._exit(0)\n"},
      {problem(
           Language::java,
           "import java.util.*;\nimport org.javatuples.*;\nclass Problem {\n    // x plus two\n    public static long "
           "addTwo(long x) {\n",
           "    }\n    public static void main(String[] args) {\n        assert(addTwo(1l) == (3l));\n    }\n\n}\n",
           {"\n    }\n"}),
       "java", "        return x + 2;", "        return x;", "        return x +;",
       "        System.exit(0);\n        return x;"},
      {problem(Language::cpp, "#include <cassert>\n#include <cstdlib>\n// x plus two\nlong add_two(long x) {\n",
               "}\nint main() {\n    auto candidate = add_two;\n    assert(candidate((1)) == (3));\n}\n", {"\n}"}),
       "cpp", "    return x + 2;", "    return x;", "    return x +;", "    std::exit(0);"},
      {problem(Language::rust, "/// x plus two\nfn add_two(x: isize) -> isize {\n",
               "}\n\nfn main() {\n    let candidate = add_two;\n    assert_eq!(candidate(1), 3);\n}\n", {"\n}"}),
       "rs", "    x + 2", "    x", "    x +", "    std::process::exit(0)"},
      {problem(
           Language::go,
           "package add_two_test\n\nimport (\n    \"os\"\n    \"testing\"\n)\n\nvar keep = os.Args\n\n// x plus two\n"
           "func add_two(x int) int {\n",
           "func TestAddTwo(t *testing.T) {\n    if add_two(1) != 3 {\n        t.Errorf(\"wrong\")\n    }\n}\n",
           {"\nfunc", "\n// "}),
       "go_test.go", "    return x + 2\n}\n", "    return x\n}\n", "    return x +\n}\n",
       "    return x\n}\n\nfunc init() {\n    os.Exit(0)\n}\n"},
      {problem(Language::ruby, "# x plus two\ndef add_two(x)\n",
               "require 'test/unit'\nclass TestAdd < Test::Unit::TestCase\n  def test_add\n    candidate = "
               "method(:add_two)\n    assert_equal(3, candidate.call(1))\n  end\nend\n",
               {"\nclass", "\ndef"}),
       "rb", "  x + 2\nend\n", "  x\nend\n", "  x +\n", "  x\nend\nexit\n"}};
}

/// A line of MultiPL-E's form.
inline std::string line_of(const AddProblem& add) {
  const benchmark::Problem& p = add.problem;
  return nlohmann::json{{"name", p.name},
                        {"language", add.tag},
                        {"prompt", p.prompt},
                        {"tests", p.tests},
                        {"stop_tokens", p.stop_tokens},
                        {"doctests", "keep"},
                        {"original", "a/path.py"},
                        {"prompt_terminology", "verbatim"}}
             .dump() +
         "\n";
}

/// Why programs cannot be run on this machine, in one line; empty if they can.
inline std::string why_not_run(const std::set<Language>& languages) {
  if (const std::string packages = benchmark::missing_packages(languages); !packages.empty())
    return "skipped: missing packages: " + packages;
  try {
    sandbox::Sandbox::open(sandbox::Mode::bubblewrap, 1);
  } catch (const Failure& failure) {
    return std::string("skipped: ") + failure.what();
  }
  return {};
}

inline const std::set<Language> six_languages{all_languages.begin(), all_languages.end()};

}  // namespace multipl_moe::testing
