#include <nlohmann/json.hpp>

#include "program.hpp"
#include "support/catch.hpp"

namespace cli_tokenizer_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("a tokenizer can be trained, and encodes and decodes", "[cli][tokenizer]") {
  const ScratchFolder scratch;
  const Outcome trained = run(scratch, "tokenizer train '" MOE_TEST_CORPUS "' -o t --vocab-size 600");
  REQUIRE(trained.exit_code == 0);
  CHECK(trained.out.empty());
  CHECK_THAT(trained.error, ContainsSubstring("600 tokens from") && ContainsSubstring(" in 18 files"));
  const Outcome of_all =
      run(scratch, "tokenizer train '" MOE_TEST_CORPUS "' -o all --dev-fraction 0 --test-fraction 0");
  CHECK_THAT(of_all.error, ContainsSubstring(" in 30 files"));
  const auto file = nlohmann::json::parse(get_bytes(scratch / "t/tokenizer.json"));
  CHECK(file["model"]["vocab"].size() == 597);
  put_bytes(scratch / "text", "def f(x):\r\n  return '<|endoftext|>' # \xc3\xa9\n");
  const Outcome ids = run(scratch, "tokenizer encode --model t < text");
  REQUIRE(ids.exit_code == 0);
  CHECK(ids.error.empty());
  CHECK_THAT(ids.out, !ContainsSubstring("597"));
  const Outcome special = run(scratch, "tokenizer encode --special --model t < text");
  CHECK_THAT(special.out, ContainsSubstring(" 597 "));
  put_bytes(scratch / "ids", ids.out);
  CHECK(run(scratch, "tokenizer decode --model t < ids").out == get_bytes(scratch / "text"));
  CHECK(run(scratch, "tokenizer encode < text", "MOE_MODEL=t").out == ids.out);
}

TEST_CASE("with --null each text that ends in a NUL gives one line", "[cli][tokenizer]") {
  const ScratchFolder scratch;
  std::filesystem::create_directory(scratch / "bytes");
  put_bytes(scratch / "bytes/config.json", "{}");
  put_bytes(scratch / "text", std::string_view("ab\0\0c", 5));
  CHECK(run(scratch, "tokenizer encode --model bytes --null < text").out == "97 98\n\n99\n");
  CHECK(run(scratch, "tokenizer encode --model bytes < text").out == "97 98 0 0 99\n");
  CHECK(run(scratch, "tokenizer encode --model bytes < /dev/null").out == "\n");
}

TEST_CASE("errors of the tokenizer commands have their exit codes", "[cli][tokenizer]") {
  const ScratchFolder scratch;
  std::filesystem::create_directory(scratch / "bytes");
  put_bytes(scratch / "bytes/config.json", "{}");
  CHECK(run(scratch, "tokenizer").exit_code == 2);
  CHECK(run(scratch, "tokenizer fly").exit_code == 2);
  CHECK(run(scratch, "tokenizer encode").exit_code == 2);
  CHECK(run(scratch, "tokenizer encode --model nowhere < /dev/null").exit_code == 3);
  CHECK(run(scratch, "tokenizer train bytes -o t").exit_code == 2);
  CHECK(run(scratch, "tokenizer train '" MOE_TEST_CORPUS "' -o t --vocab-size 12").exit_code == 2);
  CHECK(run(scratch, "tokenizer train '" MOE_TEST_CORPUS "' -o /proc/t --vocab-size 300").exit_code == 5);
  for (const char* ids : {"1 two", "257", "-1", "1,2", "99999999999"}) {
    put_bytes(scratch / "ids", ids);
    const Outcome outcome = run(scratch, "tokenizer decode --model bytes < ids");
    INFO(ids);
    CHECK(outcome.exit_code == 3);
    CHECK_THAT(outcome.error, ContainsSubstring("must hold token ids, 0 to 256"));
  }
  put_bytes(scratch / "bad/tokenizer.json", "{");
  CHECK(run(scratch, "tokenizer encode --model bad < /dev/null").exit_code == 3);
}

TEST_CASE("commands inside a group print their settings and read them back", "[cli][tokenizer]") {
  const ScratchFolder scratch;
  const Outcome printed = run(scratch, "tokenizer train a b -o t --vocab-size 300 --print-config");
  REQUIRE(printed.exit_code == 0);
  CHECK_THAT(printed.out, ContainsSubstring("[tokenizer.train]\n") && ContainsSubstring("vocab-size = 300\n"));
  put_bytes(scratch / "config.toml", printed.out);
  CHECK(run(scratch, "tokenizer train --config config.toml --print-config").out == printed.out);
  put_bytes(scratch / "wrong.toml", "[tokenizer.train]\nvocab-sice = 4\n");
  const Outcome wrong = run(scratch, "tokenizer train a -o t --config wrong.toml");
  CHECK(wrong.exit_code == 2);
  CHECK_THAT(wrong.error, ContainsSubstring("'vocab-sice' is not a setting of tokenizer train"));
  put_bytes(scratch / "group.toml", "[tokenizer]\nmodel = 'x'\n");
  CHECK(run(scratch, "--config group.toml tokenizer encode --model a").exit_code == 2);
}

}  // namespace cli_tokenizer_test
