#include "multipl_moe/cli/shares.hpp"

#include "../support/stderr_capture.hpp"
#include "multipl_moe/io/errors.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace shares_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// Files of a corpus in these languages.
struct Corpus {
  ScratchFolder scratch;
  LanguageFiles files;
  explicit Corpus(const std::vector<Language>& languages) {
    for (const Language language : languages) {
      TokenFileWriter writer(scratch / (std::string(name_of(language)) + ".train.tokens"), 257, 7);
      writer.append(std::vector<Token>(40, 1));
      writer.finish();
    }
    files = open_language_files(scratch.path(), "train", 7);
  }
};

std::vector<Language> read_by(const LanguageWeights& weights) {
  std::vector<Language> languages;
  for (const Language language : all_languages)
    if (weights[index_of(language)] > 0) languages.push_back(language);
  return languages;
}

using Languages = std::vector<Language>;

}  // namespace

TEST_CASE("pretraining reads the default languages that the data has and reports the missing ones", "[cli]") {
  const Corpus some({Language::python, Language::cpp, Language::rust}), other({Language::rust, Language::go}),
      all({all_languages.begin(), all_languages.end()});
  const StderrCapture capture;
  CHECK(read_by(even_shares({}, all.files)) == Languages{Language::python, Language::java, Language::cpp});
  CHECK(capture.text().empty());
  CHECK(read_by(even_shares({}, some.files)) == Languages{Language::python, Language::cpp});
  CHECK_THAT(capture.text(), ContainsSubstring("no training text for java; this run reads python, cpp"));
  CHECK(read_by(even_shares({}, other.files)) == Languages{Language::rust, Language::go});
  CHECK(read_by(even_shares({"rust"}, some.files)) == Languages{Language::rust});
  CHECK_THROWS_WITH(
      even_shares({"rust", "java"}, some.files),
      ContainsSubstring("[--languages]") && ContainsSubstring("none for java; --data has python, cpp, rust"));
  CHECK_THROWS_AS(even_shares({"perl"}, some.files), UsageError);
}

TEST_CASE("post-training mixes the languages that the data has and reports the missing ones", "[cli]") {
  const Corpus some({Language::python, Language::rust}), high({Language::python});
  const StderrCapture capture;
  CHECK(mixed_shares("9:1", some.files) == grouped_weights(9, 1, {true, false, false, true, false, false}));
  CHECK_THAT(capture.text(),
             ContainsSubstring("no training text for java, cpp, go, ruby; this run reads python, rust"));
  CHECK(read_by(mixed_shares("9:1", high.files)) == Languages{Language::python});
  CHECK_THROWS_WITH(mixed_shares("1:0", high.files),
                    ContainsSubstring("[--mix]") && ContainsSubstring("1:0") && ContainsSubstring("python"));
}

TEST_CASE("pretraining works on a corpus of only Python and C++", "[cli]") {
  const ScratchFolder scratch;
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "/python' '" MOE_TEST_CORPUS "/cpp' -o data").exit_code == 0);
  const std::string words =
      "pretrain --data data --config-json tiny.json --batch-size 2 --sequence-length 32 --steps 2 --threads 1 ";
  const Outcome outcome = run(scratch, words + "-o base");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.error, ContainsSubstring("no training text for java; this run reads python, cpp"));
  CHECK_THAT(get_bytes(scratch / "base/config.toml"), !ContainsSubstring("languages"));
  const Outcome asked = run(scratch, words + "-o other --languages python,java");
  CHECK(asked.exit_code == 2);
  CHECK_THAT(asked.error, ContainsSubstring("[--languages]") && ContainsSubstring("java"));
  CHECK_FALSE(std::filesystem::exists(scratch / "other"));
}

}  // namespace shares_test
