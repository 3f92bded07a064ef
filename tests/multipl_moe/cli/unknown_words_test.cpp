#include "multipl_moe/cli/unknown_words.hpp"

#include "program.hpp"
#include "support/catch.hpp"

namespace unknown_words_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

TEST_CASE("the nearest names are those with the smallest edit distance", "[cli]") {
  using Names = std::vector<std::string>;
  const Names commands{"info", "prepare", "pretrain", "upcycle", "train", "trace", "eval"};
  CHECK(nearest("trane", commands) == Names{"trace", "train"});
  CHECK(nearest("trian", commands) == Names{"train"});  // two swapped are one change
  CHECK(nearest("upcycel", commands) == Names{"upcycle"});
  CHECK(nearest("pre", commands) == Names{"prepare", "pretrain"});
  CHECK(nearest("fly", commands).empty());
  CHECK(nearest("", commands).empty());
  CHECK(nearest(std::string(100'000, 'a'), commands).empty());
  const Names flags{"--model", "--mix", "--moments", "--learning-rate"};
  CHECK(nearest("--modle=m", flags) == Names{"--model"});
  CHECK(nearest("-model", flags) == Names{"--model"});
  CHECK(nearest("--learning_rate", flags) == Names{"--learning-rate"});
  CHECK(nearest_hint("--learn", flags) == "; the nearest is '--learning-rate'");
  CHECK(nearest_hint("trane", commands) == "; the nearest are 'trace' and 'train'");
  CHECK(nearest_hint("xyzzy", commands).empty());
}

TEST_CASE("an unknown command, option or setting is named with the nearest known one", "[cli]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "c.toml", "[train]\nlearning-rat = 1\n");
  put_bytes(scratch / "d.toml", "[trian]\nlearning-rate = 1\n");
  for (const auto& [words, message] : std::vector<std::pair<std::string, std::string>>{
           {"trane", "'trane' is not a command of multipl_moe; the nearest are 'trace' and 'train'"},
           {"trian --model x --steps five", "'trian' is not a command of multipl_moe; the nearest is 'train'"},
           {"tokenizer trn a -o b", "'trn' is not a command of tokenizer; the nearest is 'train'"},
           {"train --modle x", "'--modle' is not an option of train; the nearest is '--model'"},
           {"train --modle=x --data d", "'--modle' is not an option of train; the nearest is '--model'"},
           {"generate --model m --promt a", "'--promt' is not an option of generate; the nearest is '--prompt'"},
           {"info --print-confg", "'--print-confg' is not an option of info; the nearest is '--print-config'"},
           {"train --model m --data d -o o extra", "'extra' is an unexpected argument of train"},
           {"fly", "'fly' is not a command of multipl_moe"},
           {"--modle", "'--modle' is not an option of multipl_moe"},
           {"tokenizer", "a command must follow 'tokenizer': train, encode, decode"},
           {"", "a command must follow 'multipl_moe': info"},
           {"train --config c.toml", "'learning-rat' is not a setting of train; the nearest is '--learning-rate'"},
           {"train --config d.toml", "found [trian]; the nearest is 'train'"}}) {
    const Outcome outcome = run(scratch, words);
    INFO(words << ": " << outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring(message));
  }
}

}  // namespace unknown_words_test
