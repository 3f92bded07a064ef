#include "multipl_moe/data/prepare.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>
#include <set>

#include "multipl_moe/data/token_file.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "multipl_moe/tokenizer/byte_tokenizer.hpp"
#include "support/catch.hpp"

namespace prepare_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
namespace fs = std::filesystem;

namespace {

/// The texts of a language's split, in the file's order.
std::vector<std::string> texts(const fs::path& out, Language language, Split split) {
  const TokenFile file =
      TokenFile::open(out / (std::string(name_of(language)) + "." + std::string(name_of(split)) + ".tokens"));
  CHECK(file.vocab_size() == ByteTokenizer().vocab_size());
  CHECK(file.tokenizer_hash() == ByteTokenizer().hash());
  std::vector<std::string> result;
  for (std::int64_t i = 0; i < file.document_count(); ++i) {
    std::vector<Token> tokens(static_cast<std::size_t>(file.document_size(i)));
    file.read(file.document_begin(i), tokens);
    result.push_back(ByteTokenizer().decode(tokens));
  }
  return result;
}

std::string source(int number) {
  std::string text;
  for (int line = 0; line <= number % 7; ++line) text += "value_" + std::to_string(number * 31 + line) + " = 1\n";
  return text;
}

void write_sources(const fs::path& folder, int count) {
  for (int i = 0; i < count; ++i) put_bytes(folder / ("f" + std::to_string(i) + ".py"), source(i));
}

const LanguageReport& python(const PrepareReport& report) { return report.languages[index_of(Language::python)]; }

const SplitReport& python(const PrepareReport& report, Split split) { return python(report).splits[index_of(split)]; }

}  // namespace

TEST_CASE("the small corpus has every language in every split") {
  const ScratchFolder folder;
  const PrepareReport report = prepare({.sources = {MOE_TEST_CORPUS}, .out = folder.path()});
  for (const Language language : all_languages) {
    INFO(name_of(language));
    const LanguageReport& counts = report.languages[index_of(language)];
    CHECK(counts.files == 5);
    CHECK(std::all_of(counts.filtered.begin(), counts.filtered.end(), [](std::int64_t count) { return count == 0; }));
    for (const Split split : all_splits) {
      const auto documents = texts(folder.path(), language, split);
      CHECK(documents.size() == (split == Split::train ? 3 : 1));
      CHECK(std::ssize(documents) == counts.splits[index_of(split)].documents);
    }
  }
}

TEST_CASE("every document is written unchanged, to exactly one split") {
  const ScratchFolder folder;
  write_sources(folder / "src", 200);
  const PrepareReport report =
      prepare({.sources = {folder / "src"}, .out = folder / "out", .held_out = {.dev = 0.1, .test = 0.2}});
  std::multiset<std::string> expected;
  for (int i = 0; i < 200; ++i) expected.insert(source(i));
  std::multiset<std::string> found;
  for (const Split split : all_splits) {
    std::int64_t bytes = 0;
    for (const std::string& text : texts(folder / "out", Language::python, split)) {
      found.insert(text);
      bytes += std::ssize(text);
    }
    CHECK(python(report, split).bytes == bytes);
    CHECK(python(report, split).tokens == bytes);
  }
  CHECK(found == expected);
  CHECK(std::abs(python(report, Split::dev).documents - 20) < 15);
  CHECK(std::abs(python(report, Split::test).documents - 40) < 20);
}

TEST_CASE("the names, folders and neighbors of a file do not matter") {
  const ScratchFolder folder;
  write_sources(folder / "a", 60);
  for (int i = 0; i < 60; ++i)
    put_bytes(folder / ("b/" + std::to_string(i % 3) + "/g" + std::to_string(97 - i) + ".py"), source(i));
  prepare(
      {.sources = {folder / "a"}, .out = folder / "x", .held_out = {.dev = 0.1, .test = 0.1}, .max_train_bytes = 900});
  prepare({.sources = {folder / "b/0", folder / "b/1", folder / "b/2"},
           .out = folder / "y",
           .held_out = {.dev = 0.1, .test = 0.1},
           .max_train_bytes = 900});
  for (const auto& entry : fs::directory_iterator(folder / "x"))
    CHECK(get_bytes(entry.path()) == get_bytes(folder / "y" / entry.path().filename()));
  CHECK(std::distance(fs::directory_iterator(folder / "x"), fs::directory_iterator()) == 19);
}

TEST_CASE("a document stays in its split when others are added") {
  const ScratchFolder folder;
  write_sources(folder / "src", 100);
  PrepareOptions options{.sources = {folder / "src"}, .out = folder / "out", .held_out = {.dev = 0.1, .test = 0.1}};
  prepare(options);
  const auto before = texts(folder / "out", Language::python, Split::test);
  write_sources(folder / "src", 150);
  prepare(options);
  const auto after = texts(folder / "out", Language::python, Split::test);
  const std::set<std::string> all(after.begin(), after.end());
  CHECK(before.size() < after.size());
  for (const std::string& text : before) CHECK(all.contains(text));
}

TEST_CASE("three or more documents fill all splits") {
  const ScratchFolder folder;
  for (const int count : {1, 2, 3, 4, 10}) {
    const fs::path src = folder / ("src" + std::to_string(count));
    write_sources(src, count);
    const PrepareReport report = prepare({.sources = {src}, .out = folder / "out"});
    const std::int64_t dev = python(report, Split::dev).documents;
    const std::int64_t test = python(report, Split::test).documents;
    CHECK(python(report, Split::train).documents + dev + test == count);
    if (count >= 3) {
      CHECK(dev >= 1);
      CHECK(test >= 1);
      CHECK(dev + test < count);
    }
  }
  const PrepareReport none =
      prepare({.sources = {folder / "src10"}, .out = folder / "out", .held_out = {.dev = 0.0, .test = 0.0}});
  CHECK(python(none, Split::train).documents == 10);
}

TEST_CASE("files are filtered, and every filter is counted") {
  const ScratchFolder folder;
  write_sources(folder / "src", 3);
  put_bytes(folder / "src/empty.py", "");
  put_bytes(folder / "src/large.py", std::string((std::size_t{1} << 20) + 1, 'a'));
  put_bytes(folder / "src/latin.py", "\xe9");
  put_bytes(folder / "src/long.py", std::string(2000, 'a'));
  put_bytes(folder / "src/dots.py", "........");
  put_bytes(folder / "src/sub/again.py", source(1));
  put_bytes(folder / "src/six.py", source(6));
  put_bytes(folder / "src/sub/almost.py", "# Copyright\n" + source(6));
  put_bytes(folder / "src/sub/again.rb", source(1));
  put_bytes(folder / "src/other.rb", source(5));
  put_bytes(folder / "src/readme.txt", "x");
  const PrepareReport report = prepare({.sources = {folder / "src"}, .out = folder / "out"});
  CHECK(report.other_files == 1);
  CHECK(python(report).files == 11);
  for (const Filter filter : all_filters)
    CHECK(python(report).filtered[index_of(filter)] == (filter == Filter::unreadable ? 0 : 1));
  // again.rb is the same text as again.py, and Python comes first.
  const LanguageReport& ruby = report.languages[index_of(Language::ruby)];
  CHECK(ruby.filtered[index_of(Filter::duplicate)] == 1);
  CHECK(std::accumulate(ruby.splits.begin(), ruby.splits.end(), std::int64_t{0},
                        [](std::int64_t sum, const SplitReport& split) { return sum + split.documents; }) == 1);
  const auto json = nlohmann::json::parse(get_bytes(folder / "out/report.json"));
  CHECK(json["languages"]["python"]["filtered"]["duplicate"] == 1);
  CHECK(json["languages"]["python"]["filtered"]["near_duplicate"] == 1);
  CHECK(json["languages"]["python"]["splits"]["train"]["documents"] == 2);
  CHECK(json["other_files"] == 1);
}

TEST_CASE("held-out text has no duplicate in training") {
  const ScratchFolder folder;
  for (int i = 0; i < 30; ++i) {
    const std::string text = source(i);
    std::string crlf;
    for (const char c : text) crlf += c == '\n' ? "\r\n" : std::string(1, c);
    const std::string name = std::to_string(i) + ".py";
    put_bytes(folder / ("src/a" + name), crlf);
    put_bytes(folder / ("src/b" + name), text);
    put_bytes(folder / ("src/c" + name), "\xef\xbb\xbf" + text);
    put_bytes(folder / ("src/d" + name), text + "\n");
  }
  const PrepareReport report =
      prepare({.sources = {folder / "src"}, .out = folder / "out", .held_out = {.dev = 0.2, .test = 0.2}});
  CHECK(python(report).files == 120);
  CHECK(python(report).filtered[index_of(Filter::duplicate)] == 90);
  std::set<std::string> seen;
  for (const Split split : all_splits) {
    CHECK(python(report, split).documents > 1);
    // The kept text is the one on disk; of these files it is the one with plain line ends.
    for (const std::string& text : texts(folder / "out", Language::python, split)) CHECK(seen.insert(text).second);
  }
  std::set<std::string> expected;
  for (int i = 0; i < 30; ++i) expected.insert(source(i));
  CHECK(seen == expected);
}

TEST_CASE("sources without text are an error, and nothing is written") {
  const ScratchFolder folder;
  fs::create_directories(folder / "src");
  fs::create_directory_symlink(MOE_TEST_CORPUS, folder / "src/link");
  CHECK_THROWS_AS(prepare({.sources = {folder / "src"}, .out = folder / "out"}), UsageError);
  CHECK_FALSE(fs::exists(folder / "out"));
}

TEST_CASE("a limit keeps a prefix of the unlimited order, cut at the end of a line") {
  const ScratchFolder folder;
  write_sources(folder / "src", 50);
  PrepareOptions options{.sources = {folder / "src"}, .out = folder / "all", .held_out = {.dev = 0.0}};
  const std::int64_t all_train = python(prepare(options), Split::train).documents;
  const auto everything = texts(folder / "all", Language::python, Split::train);
  for (const std::int64_t limit : {1, 20, 100, 777, 1'000'000}) {
    options.out = folder / "some";
    options.max_train_bytes = limit;
    const SplitReport report = python(prepare(options), Split::train);
    const auto some = texts(folder / "some", Language::python, Split::train);
    CHECK(report.bytes <= limit);
    CHECK(report.documents + report.over_limit == all_train);
    if (limit >= 100) CHECK(report.bytes > std::min<std::int64_t>(limit, 2000) - 20);
    for (std::size_t i = 0; i < some.size(); ++i) {
      CHECK(some[i].back() == '\n');
      CHECK(everything[i].starts_with(some[i]));
      if (i + 1 < some.size()) CHECK(everything[i] == some[i]);
    }
  }
}

TEST_CASE("a limit on held-out text holds for each split") {
  const ScratchFolder folder;
  write_sources(folder / "src", 100);
  const PrepareReport report = prepare({.sources = {folder / "src"},
                                        .out = folder / "out",
                                        .held_out = {.dev = 0.3, .test = 0.3},
                                        .max_held_out_bytes = 200});
  for (const Split split : {Split::dev, Split::test}) {
    CHECK(python(report, split).bytes <= 200);
    CHECK(python(report, split).bytes > 180);
    CHECK(python(report, split).over_limit > 0);
  }
  CHECK(python(report, Split::train).over_limit == 0);
}

TEST_CASE("invalid options of prepare are refused") {
  const ScratchFolder folder;
  write_sources(folder.path(), 1);
  const PrepareOptions good{.sources = {folder.path()}, .out = folder / "out"};
  PrepareOptions bad = good;
  bad.sources.clear();
  CHECK_THROWS_AS(prepare(bad), UsageError);
  bad = good;
  bad.sources.push_back(folder / "missing");
  CHECK_THROWS_AS(prepare(bad), UsageError);
  bad = good;
  bad.held_out.dev = 0.5;
  CHECK_THROWS_AS(prepare(bad), UsageError);
  bad = good;
  bad.held_out.test = -0.1;
  CHECK_THROWS_AS(prepare(bad), UsageError);
  bad = good;
  bad.max_held_out_bytes = -1;
  CHECK_THROWS_AS(prepare(bad), UsageError);
  bad = good;
  put_bytes(folder / "file", "x");
  bad.out = folder / "file/below";
  CHECK_THROWS_AS(prepare(bad), IoError);
}

TEST_CASE("training files that share 13 tokens with a benchmark are left out and counted, the splits stay") {
  const ScratchFolder folder;
  write_sources(folder / "src", 60);
  PrepareOptions options{.sources = {folder / "src"}, .out = folder / "all"};
  const PrepareReport all = prepare(options);
  CHECK(python(all).excluded == 0);
  std::vector<std::string> train = texts(folder / "all", Language::python, Split::train);
  const std::string lines = "value_5 = 1\nvalue_6 = 1\nvalue_7 = 1\nvalue_8 = 1\nvalue_9 = 1\n";
  options.excluded.add(std::vector{std::vector{source(13)}, std::vector{lines}});
  options.excluded_benchmarks = {
      {.name = "lines\n", .hash = 0x1f, .problems = 2, .problems_without_runs = 0, .runs = 4}};
  options.out = folder / "kept";
  const PrepareReport kept = prepare(options);
  // source(13) is in the train split, and no other text has 13 of its tokens.
  std::vector<std::string> others = train;
  REQUIRE(std::erase(others, source(13)) == 1);
  CHECK(python(kept).excluded == 1);
  CHECK(texts(folder / "kept", Language::python, Split::train) == others);
  for (const Split split : {Split::dev, Split::test})
    CHECK(texts(folder / "kept", Language::python, split) == texts(folder / "all", Language::python, split));
  const auto json = nlohmann::json::parse(get_bytes(folder / "kept/report.json"));
  CHECK(json["languages"]["python"]["excluded"] == 1);
  CHECK(json["exclude"] == nlohmann::json::parse(R"([{"name": "lines\\x0a", "hash": "000000000000001f", "problems": 2,
                                                      "problems_without_runs": 0, "runs": 4}])"));
  CHECK(nlohmann::json::parse(get_bytes(folder / "all/report.json"))["exclude"] == nlohmann::json::array());
}

}  // namespace prepare_test
