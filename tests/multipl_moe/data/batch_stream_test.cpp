#include "multipl_moe/data/batch_stream.hpp"

#include <map>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace batch_stream_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

/// Writes training files in which every token is the index of its language.
void write_languages(const ScratchFolder& folder, const std::vector<Language>& languages) {
  for (const Language language : languages) {
    TokenFileWriter writer(folder / (std::string(name_of(language)) + ".train.tokens"), 257, 7);
    const auto token = static_cast<Token>(index_of(language));
    for (int document = 0; document < 10; ++document) writer.append(std::vector<Token>(40, token));
    writer.finish();
  }
}

LanguageFiles open_all(const ScratchFolder& folder) { return open_language_files(folder.path(), "train", 7); }

const std::vector<Language> every(all_languages.begin(), all_languages.end());
constexpr BatchOptions options{.sequences = 3, .length = 16, .seed = 5, .end_of_text = 256};
const LanguageWeights even{1.0, 1.0, 1.0, 1.0, 1.0, 1.0};

}  // namespace

TEST_CASE("a batch has sequences of the languages that it lists, and targets shifted by one token") {
  const ScratchFolder folder;
  write_languages(folder, every);
  BatchStream stream(open_all(folder), even, options);
  TokenBatch batch;
  std::map<Language, std::int64_t> sequences;
  for (int step = 0; step < 40; ++step) {
    stream.next(batch);
    CHECK(batch.sequences == 3);
    CHECK(batch.number == 3 * step);
    CHECK(batch.length == 16);
    REQUIRE(batch.tokens.size() == 48);
    REQUIRE(batch.targets.size() == 48);
    REQUIRE(batch.languages.size() == 3);
    for (std::size_t i = 0; i < 48; ++i) {
      if (batch.tokens[i] != options.end_of_text) CHECK(batch.tokens[i] == index_of(batch.languages[i / 16]));
      if (i % 16 > 0) CHECK(batch.tokens[i] == batch.targets[i - 1]);
    }
    for (const Language language : batch.languages) ++sequences[language];
  }
  CHECK(stream.next_sequence() == 120);
  for (const Language language : all_languages) {
    CHECK(sequences[language] == 20);
    CHECK(stream.tokens_seen(language) == 320);
    CHECK(stream.epochs_seen(language) == 20.0 / 25.0);  // 25 sequences of 16 in 10 * 41 tokens
  }
}

TEST_CASE("a stream resumes at the position of another one") {
  const ScratchFolder folder;
  write_languages(folder, every);
  const LanguageWeights weights = grouped_weights(9.0, 1.0, {true, true, true, true, true, true});
  BatchStream stream(open_all(folder), weights, options);
  TokenBatch batch;
  for (int step = 0; step < 57; ++step) stream.next(batch);
  BatchStream resumed(open_all(folder), weights, options);
  resumed.seek(stream.next_sequence());
  CHECK(resumed.epochs_seen(Language::go) > 1.0);
  for (int step = 0; step < 30; ++step) {
    TokenBatch other;
    stream.next(batch);
    resumed.next(other);
    REQUIRE(batch.tokens == other.tokens);
    REQUIRE(batch.targets == other.targets);
    REQUIRE(batch.languages == other.languages);
  }
}

TEST_CASE("a stream depends on its seed") {
  const ScratchFolder folder;
  TokenFileWriter writer(folder / "go.train.tokens", 257, 7);
  for (Token document = 0; document < 100; ++document) writer.append(std::vector<Token>(10, document));
  writer.finish();
  BatchOptions other = options;
  other.seed = 6;
  const LanguageWeights go{0.0, 0.0, 0.0, 0.0, 1.0, 0.0};
  BatchStream a(open_all(folder), go, options);
  BatchStream b(open_all(folder), go, other);
  TokenBatch first;
  TokenBatch second;
  a.next(first);
  b.next(second);
  CHECK(first.tokens != second.tokens);
}

TEST_CASE("streams without data or with invalid sizes are refused") {
  const ScratchFolder folder;
  write_languages(folder, {Language::go});
  const LanguageFiles files = open_all(folder);
  CHECK(files[index_of(Language::ruby)] == nullptr);
  const LanguageWeights go{0.0, 0.0, 0.0, 0.0, 1.0, 0.0};
  CHECK_NOTHROW(BatchStream(files, go, options));
  CHECK_THROWS_WITH(BatchStream(files, even, options), Catch::Matchers::ContainsSubstring("none for python"));
  BatchOptions bad = options;
  bad.sequences = 0;
  CHECK_THROWS_AS(BatchStream(files, go, bad), UsageError);
  bad = options;
  bad.length = 1000;
  CHECK_THROWS_AS(BatchStream(files, go, bad), BadFile);
}

TEST_CASE("a read that fails does not advance the stream") {
  const ScratchFolder folder;
  write_languages(folder, {Language::go});
  BatchStream stream(open_all(folder), {0.0, 0.0, 0.0, 0.0, 1.0, 0.0}, options);
  TokenBatch batch;
  stream.next(batch);
  std::filesystem::resize_file(folder / "go.train.tokens", 60);
  CHECK_THROWS_AS(stream.next(batch), BadFile);
  CHECK(stream.next_sequence() == 3);
}

TEST_CASE("at least one language file must exist, and all must be of the same tokenizer") {
  const ScratchFolder folder;
  CHECK_THROWS_AS(open_all(folder), BadFile);
  TokenFileWriter(folder / "java.train.tokens", 257, 7).finish();
  CHECK_THROWS_AS(open_all(folder), BadFile);
  write_languages(folder, {Language::ruby});
  CHECK(open_all(folder)[index_of(Language::java)] == nullptr);
  CHECK_THROWS_AS(open_language_files(folder.path(), "train", 8), BadFile);
  try {
    open_language_files(folder.path(), "train", 8);
    FAIL_CHECK("was accepted");
  } catch (const OtherTokenizer& other) {
    CHECK(other.hash() == 7);
    CHECK(other.vocab_size() > 0);
  }
  CHECK_THROWS_AS(open_language_files(folder.path(), "dev", 7), BadFile);
}

}  // namespace batch_stream_test
