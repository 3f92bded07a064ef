#include "multipl_moe/cli/prompts.hpp"

#include "../io/scratch.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace prompts_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

std::vector<std::string> prompts_in(const std::string& bytes) {
  const ScratchFolder scratch;
  put_bytes(scratch / "p.jsonl", bytes);
  return read_prompts(scratch / "p.jsonl");
}

std::string refusal(const std::string& bytes) {
  try {
    prompts_in(bytes);
  } catch (const BadFile& error) {
    return error.what();
  }
  return "read";
}

}  // namespace

TEST_CASE("a byte-order mark, carriage returns and empty lines are not part of prompts", "[cli][prompts]") {
  const std::vector<std::string> expected{"a", "b\n", "c"};
  const std::string lines = "\"a\"\n\n{\"prompt\": \"b\\n\", \"id\": 1}\n\"c\"";
  CHECK(prompts_in(lines) == expected);
  CHECK(prompts_in("\xef\xbb\xbf" + lines) == expected);
  CHECK(prompts_in("\xef\xbb\xbf\"a\"\r\n\r\n{\"prompt\": \"b\\n\", \"id\": 1}\r\n\"c\"\r\n") == expected);
}

TEST_CASE("an error in a file of prompts states the number of the line", "[cli][prompts]") {
  const std::string good = "\"a\"\n\n";
  CHECK_THAT(refusal(good + "{\"prompt\": \"a\", \"prompt\": \"b\"}\n"),
             ContainsSubstring("line 3 must be JSON in which a key occurs once in an object, found 'prompt' twice"));
  CHECK_THAT(refusal(good + "\"caf\xe9\"\n"),
             ContainsSubstring("byte 9] line 3 must be JSON in UTF-8, found the byte 0xe9 of another encoding"));
  CHECK_THAT(refusal("\"a\"\r\n\"\\ud83d!\"\n"), ContainsSubstring("line 2 must be JSON: ") &&
                                                     ContainsSubstring("surrogate") && !ContainsSubstring("line 1"));
  CHECK_THAT(refusal("\"a\"\n\"b\n"),
             ContainsSubstring("line 2 must be JSON: ") && ContainsSubstring("missing closing"));
  CHECK_THAT(
      refusal(good + "{\"prompt\": 3}"),
      ContainsSubstring("line 3 must be a JSON string or an object with a string \"prompt\", found number there"));
  CHECK_THAT(refusal(good + "{\"text\": \"a\"}"), ContainsSubstring("found an object without it"));
  CHECK_THAT(refusal("[\"a\"]"),
             ContainsSubstring("line 1 must be a JSON string or an object") && ContainsSubstring("found array"));
  CHECK_THAT(refusal("\"\xef\xbb\xbf\"\n\xef\xbb\xbf\"b\"\n\"c"), ContainsSubstring("line 3"));
}

}  // namespace prompts_test
