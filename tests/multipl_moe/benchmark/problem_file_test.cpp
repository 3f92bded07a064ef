#include "multipl_moe/benchmark/problem_file.hpp"

#include "../io/scratch.hpp"
#include "add_problems.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/gzip.hpp"
#include "multipl_moe/io/hash.hpp"
#include "support/catch.hpp"

namespace problem_file_test {

using namespace multipl_moe;
using namespace multipl_moe::benchmark;
using namespace multipl_moe::testing;
using namespace std::string_literals;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::EndsWith;

namespace {

std::string refusal_of(const std::string& text) {
  try {
    parse_problems(text, "p.jsonl");
  } catch (const BadFile& error) {
    return error.what();
  }
  return "accepted";
}

const std::string good = R"({"name": "a", "language": "py", "prompt": "p", "tests": "t", "stop_tokens": ["\n#"]})";

}  // namespace

TEST_CASE("MultiPL-E's lines are read in six languages, their unknown fields ignored", "[benchmark][files]") {
  std::string text;
  for (const AddProblem& add : add_problems()) text += line_of(add);
  const auto problems = parse_problems(text, "p.jsonl");
  REQUIRE(problems.size() == 6);
  for (std::size_t i = 0; i < 6; ++i) {
    const Problem &found = problems[i], expected = add_problems()[i].problem;
    CHECK(found.name == "add_two");
    CHECK(found.language == all_languages[i]);
    CHECK(found.prompt == expected.prompt);
    CHECK(found.tests == expected.tests);
    CHECK(found.stop_tokens == expected.stop_tokens);
  }
  // Names of languages, byte-order mark, CRLF and blank lines.
  const auto named = parse_problems(
      "\xef\xbb\xbf"
      R"({"name":"a","language":"go","prompt":"","tests":""})"
      "\r\n\r\n \n"
      R"({"name":"a","language":"ruby","prompt":"","tests":""})"
      "\r\n",
      "p.jsonl");
  REQUIRE(named.size() == 2);
  CHECK(named[0].language == Language::go);
  CHECK(named[1].language == Language::ruby);
  CHECK(named[1].stop_tokens.empty());
}

TEST_CASE("HumanEval's own form calls the tests with the function", "[benchmark][files]") {
  const auto problems = parse_problems(
      R"({"task_id": "HumanEval/0", "prompt": "def f():\n", "entry_point": "f", "canonical_solution": "    return 1\n", "test": "def check(c):\n    assert c() == 1\n"})"
      "\n"
      R"({"task_id": "Python/1", "prompt": "def g():\n", "test": "assert g()\n", "stop_tokens": []})"
      "\n"
      R"({"task_id": "Go/1", "language": "go", "prompt": "", "entry_point": "g", "tests": "T", "test": "other"})",
      "p.jsonl");
  REQUIRE(problems.size() == 3);
  CHECK(problems[0].name == "HumanEval/0");
  CHECK(problems[0].language == Language::python);
  CHECK(program_of(problems[0], problems[0].canonical) ==
        "def f():\n    return 1\n\ndef check(c):\n    assert c() == 1\n\ncheck(f)");
  CHECK(problems[0].stop_tokens == std::vector<std::string>{"\nclass", "\ndef", "\n#", "\nif", "\nprint"});
  CHECK(problems[1].tests == "assert g()\n");
  CHECK(problems[1].stop_tokens == problems[0].stop_tokens);
  CHECK(problems[2].tests == "T");
}

TEST_CASE("exercises have a family, a level and a stratum", "[benchmark][files]") {
  const auto problems = parse_problems(
      R"({"name":"a","language":"rs","prompt":"","tests":"","family":"fold","level":2,"stratum":"nowhere"})",
      "p.jsonl");
  CHECK(problems[0].family == "fold");
  CHECK(problems[0].level == "2");
  CHECK(problems[0].stratum == "nowhere");
}

TEST_CASE("a bad line is refused with its number and the rule", "[benchmark][files]") {
  REQUIRE(refusal_of(good) == "accepted");
  const auto check = [](const std::string& line, const std::string& rule) {
    INFO(line.substr(0, 200));
    CHECK_THAT(refusal_of(good + "\n\n" + line), ContainsSubstring("line 3 must be " + rule));
  };
  check("7", "a problem as a JSON object, found number");
  check(R"({"language":"py","prompt":"","tests":""})", R"(a problem with a string "name" or "task_id", found none)");
  check(R"({"name":"","language":"py","prompt":"","tests":""})",
        "a problem whose \"name\" or \"task_id\" has 1 to 200");
  check(R"({"name":"a\u001bb","language":"py","prompt":"","tests":""})", "a problem whose \"name\"");
  check(R"({"name":"b","prompt":"","tests":""})", R"(a problem with a "language", found none)");
  check(R"({"name":"b","language":"cobol","prompt":"","tests":""})",
        "a problem whose \"language\" is python, java, cpp, rust, go, ruby, or MultiPL-E's py, rs, go_test.go or rb, "
        "found "
        "'cobol'");
  check(R"({"name":"b","language":"py","tests":""})", R"(a problem with a string "prompt", found none)");
  check(R"({"name":"b","language":"py","prompt":1,"tests":""})", R"(a problem with a string "prompt", found number)");
  check(R"({"name":"b","language":"py","prompt":""})", R"(a problem with a string "tests" or "test", found none)");
  check(R"({"name":"b","language":"py","prompt":"","tests":"","stop_tokens":"x"})",
        "a problem whose \"stop_tokens\" is an");
  check(R"({"name":"b","language":"py","prompt":"","tests":"","stop_tokens":[1]})",
        "a problem whose \"stop_tokens\" is an");
  check(R"({"name":"b","language":"py","prompt":"","tests":"","stop_tokens":[""]})",
        "a problem whose \"stop_tokens\" are");
  check(R"({"name":"b","language":"py","prompt":"","tests":"","entry_point":"f g"})",
        "a problem whose \"entry_point\"");
  check(R"({"name":"b","language":"py","prompt":"","tests":"","level":1.5})", "a problem with a string \"level\"");
  check(good, "a problem with a name of its own, found 'a' (Python) again, which is also in line 1");
  check(R"({"name":NaN})", "JSON");
  check(R"({"name":"b","name":"c"})", "JSON in which a key occurs once");
  check("{\"name\":\"\0\"}"s, "JSON, found a NUL");
  check("{\"name\":\"\xff\"}", "JSON in UTF-8");
  CHECK_THAT(refusal_of("\n\n"), EndsWith("must hold at least one problem, found none"));
}

TEST_CASE("a prompt may be large", "[benchmark][files]") {
  const std::string large(10 << 20, 'x');
  CHECK(parse_problems(R"({"name":"a","language":"py","tests":"","prompt":")" + large + "\"}", "p.jsonl")[0].prompt ==
        large);
}

TEST_CASE("a benchmark is a file, a compressed file or a folder with prompts.jsonl", "[benchmark][files]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "humaneval-x.jsonl", good);
  put_bytes(scratch / "small.jsonl.gz", gzip(good));
  std::filesystem::create_directories(scratch / "ex/test");
  put_bytes(scratch / "ex/test/prompts.jsonl", good);
  for (const auto& [path, name] : {std::pair("humaneval-x.jsonl", "humaneval-x"), std::pair("small.jsonl.gz", "small"),
                                   std::pair("ex/test", "test"), std::pair("ex/test/", "test")}) {
    INFO(path);
    const Benchmark benchmark = read_benchmark(scratch / path);
    CHECK(benchmark.name == name);
    CHECK(benchmark.hash == hash_of(good));
    REQUIRE(benchmark.problems.size() == 1);
    CHECK(benchmark.problems[0].benchmark == name);
  }
  CHECK_THROWS_AS(read_benchmark(scratch / "ex"), BadFile);
  CHECK_THROWS_AS(read_benchmark(scratch / "none.jsonl"), BadFile);
}

}  // namespace problem_file_test
