#include "multipl_moe/benchmark/completion_file.hpp"

#include "../io/scratch.hpp"
#include "add_problems.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/gzip.hpp"
#include "support/catch.hpp"

namespace completion_file_test {

using namespace multipl_moe;
using namespace multipl_moe::benchmark;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<Problem> problems() {
  return {{"a", Language::python, "p", "t", {"\n#"}},
          {"a", Language::ruby, "p", "t", {"\nend"}},
          {"HumanEval/0", Language::python, "p", "t", {"\n#"}}};
}

std::string refusal_of(const std::string& text) {
  const auto known = problems();
  try {
    parse_completions(text, "c.jsonl", known);
  } catch (const BadFile& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

TEST_CASE("completions find their problems and are cut at the stop texts", "[benchmark][files]") {
  const auto known = problems();
  const auto found = parse_completions(
      R"({"name": "a", "language": "ruby", "sample": 1, "completion": "x\nend\n", "finish_reason": "stop", "tokens": 7})"
      "\n"
      R"({"name": "a", "language": "python", "completion": "x\nend\n#y"})"
      "\n"
      R"({"name": "a", "language": "python", "completion": "z\n#", "cut": false})"
      "\n"
      R"({"task_id": "HumanEval/0", "completion": "w\n# a comment"})",
      "c.jsonl", known);
  REQUIRE(found.size() == 4);
  CHECK(found[0].problem == 1);
  CHECK(found[0].sample == 1);
  CHECK(found[0].text == "x");
  CHECK(found[0].finish_reason == "stop");
  CHECK(found[0].tokens == 7);
  CHECK(found[1].problem == 0);
  CHECK(found[1].sample == 0);
  CHECK(found[1].text == "x\nend");
  CHECK(found[2].sample == 1);
  CHECK(found[2].text == "z\n#");
  // HumanEval's own script runs completions as they are.
  CHECK(found[3].text == "w\n# a comment");
}

TEST_CASE("a line of completions.jsonl reads back equal", "[benchmark][files]") {
  const auto known = problems();
  for (const char* text : {"", "return 1", "a\n#b\n", "é\x01\""}) {
    const Completion completion{2, 3, text, "length", 12};
    const auto read = parse_completions(benchmark::line_of(completion, known[2]), "c.jsonl", known);
    REQUIRE(read.size() == 1);
    CHECK(read[0].problem == 2);
    CHECK(read[0].sample == 3);
    CHECK(read[0].text == text);
    CHECK(read[0].finish_reason == "length");
    CHECK(read[0].tokens == 12);
  }
}

TEST_CASE("a completion of an unknown problem or a second one of a sample is refused", "[benchmark][files]") {
  CHECK_THAT(refusal_of(R"({"name":"b","completion":""})"),
             ContainsSubstring("line 1 must be a completion of a problem in the benchmark, found the name 'b'"));
  CHECK_THAT(refusal_of(R"({"name":"a","completion":""})"), ContainsSubstring("which is a problem in 2 languages"));
  CHECK_THAT(refusal_of(R"({"name":"a","language":"go","completion":""})"), ContainsSubstring("not there in Go"));
  CHECK_THAT(refusal_of(R"({"name":"HumanEval/0"})"), ContainsSubstring("a string \"completion\", found none"));
  CHECK_THAT(refusal_of(R"({"name":"HumanEval/0","completion":"","sample":-1})"), ContainsSubstring("whole number"));
  CHECK_THAT(refusal_of(R"({"name":"HumanEval/0","completion":"","cut":1})"), ContainsSubstring("true or false"));
  CHECK_THAT(refusal_of(R"({"name":"HumanEval/0","completion":"","finish_reason":"eos"})"),
             ContainsSubstring("stop, length or end_of_text, found 'eos'"));
  const std::string line = R"({"name":"HumanEval/0","completion":"","sample":0})";
  CHECK_THAT(refusal_of(line + "\n" + line),
             ContainsSubstring("line 2 must be a completion whose \"sample\" occurs once"));
}

TEST_CASE("MultiPL-E's files hold a problem with its completions, which are not cut", "[benchmark][files]") {
  const ScratchFolder scratch;
  const std::string file =
      R"({"name":"a","language":"rb","prompt":"p","tests":"t","stop_tokens":["\n#"],"completions":["x\n#y","z"]})";
  put_bytes(scratch / "a.json", file);
  put_bytes(scratch / "a.results.json", "{}");
  std::string other = file;
  other.replace(other.find("\"a\""), 3, "\"b\"");
  put_bytes(scratch / "b.json.gz", gzip(other));
  CHECK(is_multipl_e(scratch.path()));
  CHECK(is_multipl_e(scratch / "b.json.gz"));
  CHECK_FALSE(is_multipl_e(scratch / "c.jsonl"));
  const auto found = read_completed_problems(scratch.path());
  REQUIRE(found.size() == 2);
  CHECK(found[0].problem.name == "a");
  CHECK(found[0].problem.language == Language::ruby);
  CHECK(found[0].completions == std::vector<std::string>{"x\n#y", "z"});
  CHECK(found[1].problem.name == "b");
  put_bytes(scratch / "c.json", file);
  CHECK_THROWS_WITH(read_completed_problems(scratch.path()), ContainsSubstring("found 'a' (Ruby) again"));
  put_bytes(scratch / "c.json", R"({"name":"c","language":"rb","prompt":"p","tests":"t"})");
  CHECK_THROWS_WITH(read_completed_problems(scratch / "c.json"), ContainsSubstring("found no \"completions\""));
  put_bytes(scratch / "completions.jsonl", "");
  CHECK_FALSE(is_multipl_e(scratch.path()));
}

}  // namespace completion_file_test
