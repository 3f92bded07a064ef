#include "multipl_moe/benchmark/problem.hpp"

#include "add_problems.hpp"
#include "support/catch.hpp"

namespace benchmark_problem_test {

using namespace multipl_moe;
using namespace multipl_moe::benchmark;
using namespace multipl_moe::testing;
using namespace std::string_literals;

TEST_CASE("a program is prompt, completion, a line break and the tests, byte for byte", "[benchmark][problem]") {
  for (const AddProblem& add : add_problems()) {
    INFO(multipl_moe::name_of(add.problem.language));
    CHECK(program_of(add.problem, add.right) == add.problem.prompt + add.right + "\n" + add.problem.tests);
  }
  // In C++, Java and Rust the tests begin with the brace that the stop text has cut off: nothing doubles or swallows
  // it.
  CHECK(
      program_of(add_problems()[2].problem, cut_at_stop("    return x + 2;\n}\nint other() {", std::vector{"\n}"s})) ==
      "#include <cassert>\n#include <cstdlib>\n// x plus two\nlong add_two(long x) {\n    return x + 2;\n}\nint main() "
      "{\n    auto candidate = add_two;\n    assert(candidate((1)) == (3));\n}\n");
  CHECK(program_of({"n", Language::python, "a\r\n", "\0b"s}, "\0c"s) == "a\r\n\0c\n\0b"s);
}

TEST_CASE("a completion is cut before the first of the stop texts", "[benchmark][problem]") {
  const std::vector<std::string> stops{"\n}", "\nfunc", "struct"};
  CHECK(cut_at_stop("a\n}b\nfunc", stops) == "a");
  CHECK(cut_at_stop("a\nfunc\n}", stops) == "a");
  CHECK(cut_at_stop("a struct", stops) == "a ");
  CHECK(cut_at_stop("\n}", stops).empty());
  CHECK(cut_at_stop("a\n", stops) == "a\n");
  CHECK(cut_at_stop("a\n}", {}) == "a\n}");
  CHECK(cut_at_stop(cut_at_stop("x\nfunc\n}", stops), stops) == "x");
}

TEST_CASE("white space at the end of a prompt can be removed", "[benchmark][problem]") {
  CHECK(with_stripped_prompt({"n", Language::ruby, " def f(x)\n\t \r\n", "t"}).prompt == " def f(x)");
  CHECK(with_stripped_prompt({"n", Language::ruby, " \n", "t"}).prompt.empty());
  CHECK(with_stripped_prompt({"n", Language::ruby, "x", "t \n"}).tests == "t \n");
}

TEST_CASE("an aborting completion closes the function only if the tests do not", "[benchmark][problem]") {
  CHECK(aborting_completion({"n", Language::go, "p", "func TestX() {}"}) == "    panic(0)\n}\n");
  CHECK(aborting_completion({"n", Language::go, "p", "\n}\nfunc TestX() {}"}) == "    panic(0)");
  CHECK(aborting_completion({"n", Language::ruby, "p", "require 'x'"}) == "  raise\nend\n");
  CHECK(aborting_completion({"n", Language::ruby, "p", "end\n"}) == "  raise");
  CHECK(aborting_completion({"n", Language::cpp, "p", "}\nint main() {}"}) == "    __builtin_abort();");
  CHECK(aborting_completion({"n", Language::cpp, "p", "int main() {}"}) == "    __builtin_abort();\n}\n");
  CHECK(aborting_completion({"n", Language::rust, "p", "fn main() {}"}) == "    unimplemented!()\n}\n");
}

}  // namespace benchmark_problem_test
