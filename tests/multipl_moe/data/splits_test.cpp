#include "multipl_moe/data/splits.hpp"

#include <algorithm>
#include <filesystem>
#include <limits>
#include <set>
#include <string>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace splits_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

LanguageDocuments python_of(const ScratchFolder& folder, const HeldOut& held_out) {
  return split_documents(walk_sources({folder.path()}), held_out)[index_of(Language::python)];
}

std::vector<std::uint64_t> hashes(const Documents& documents) {
  std::vector<std::uint64_t> result;
  for (const Document& document : documents) result.push_back(document.hash);
  return result;
}

}  // namespace

TEST_CASE("held-out documents have the lowest hashes, and a split is not ordered by hash") {
  const ScratchFolder folder;
  for (int i = 0; i < 60; ++i) put_bytes(folder / (std::to_string(i) + ".py"), "a = " + std::to_string(i) + "\n");
  put_bytes(folder / "copy.py", "a = 7\n");
  put_bytes(folder / "other.rb", "a = 7\n");
  put_bytes(folder / "ruby.rb", "b = 7\n");
  const LanguageDocuments found = python_of(folder, {.dev = 0.2, .test = 0.3});
  CHECK(found.files == 61);
  CHECK(found.filtered[index_of(Filter::duplicate)] == 1);
  const auto dev = hashes(found.splits[index_of(Split::dev)]), test = hashes(found.splits[index_of(Split::test)]),
             train = hashes(found.splits[index_of(Split::train)]);
  REQUIRE((dev.size() > 1 && test.size() > 1 && train.size() > 1));
  CHECK(dev.size() + test.size() + train.size() == 60);
  CHECK(std::ranges::max(dev) < std::ranges::min(test));
  CHECK(std::ranges::max(test) < std::ranges::min(train));
  CHECK_FALSE(std::ranges::is_sorted(train));
  CHECK(hashes(python_of(folder, {.dev = 0, .test = 0}).splits[index_of(Split::train)]).size() == 60);
}

TEST_CASE("a text counts once, for any line ends, language and file name") {
  const ScratchFolder folder;
  put_bytes(folder / "a.py", "a = 1\r\nb = 2\r\n");
  put_bytes(folder / "b.py",
            "\xef\xbb\xbf"
            "a = 1\nb = 2\n");
  put_bytes(folder / "c.py", "a = 1  \nb = 2\t\n\n");
  put_bytes(folder / "d.rb", "a = 1\nb = 2\n");
  const auto kept = [&] {
    const DocumentsByLanguage found = split_documents(walk_sources({folder.path()}), {});
    for (const LanguageDocuments& language : found)
      for (const Documents& documents : language.splits)
        if (!documents.empty()) return documents.front().path.filename().string();
    return std::string();
  };
  const DocumentsByLanguage found = split_documents(walk_sources({folder.path()}), {});
  CHECK(found[index_of(Language::python)].filtered[index_of(Filter::duplicate)] == 2);
  CHECK(found[index_of(Language::ruby)].filtered[index_of(Filter::duplicate)] == 1);
  const std::string of_python = kept();
  CHECK(of_python.ends_with(".py"));
  put_bytes(folder / "z.py", "a = 1\nb = 2\n");
  CHECK(kept() == "z.py");  // it is its own normal form
  std::filesystem::remove(folder / "z.py");
  for (const std::string name : {"a", "b", "c"})
    std::filesystem::rename(folder / (name + ".py"), folder / ("x" + name + ".py"));
  std::filesystem::rename(folder / "xa.py", folder / "zz.py");
  CHECK(kept().substr(1).starts_with(of_python == "a.py" ? "z" : of_python.substr(0, 1)));
}

TEST_CASE("one of several near copies is kept, in one split, and the same one for any file names") {
  // Each text has a copy with a line changed and one with another license.
  const auto text = [](int number, int changed) {
    std::string lines;
    for (int line = 0; line < 30; ++line)
      lines += "value" + std::to_string(line == changed ? -1 : line) + " = compute(" + std::to_string(number) + ")\n";
    return lines;
  };
  const auto write = [&](const std::filesystem::path& to, bool in_reverse) {
    for (int i = 0; i < 40; ++i) {
      const std::string name = std::to_string(in_reverse ? 99 - i : i);
      put_bytes(to / (name + "a.py"), text(i, 99));
      put_bytes(to / (name + "b.py"), text(i, 11));
      put_bytes(to / (name + "c.py"), "# License " + std::to_string(i) + ", without any warranty\n\n" + text(i, 99));
    }
  };
  const ScratchFolder here, there;
  write(here.path(), false);
  write(there.path(), true);
  const HeldOut held_out{.dev = 0.3, .test = 0.3};
  const LanguageDocuments found = python_of(here, held_out), elsewhere = python_of(there, held_out);
  CHECK(found.filtered[index_of(Filter::near_duplicate)] == 80);
  std::set<std::string> numbers;
  for (const Split split : all_splits) {
    CHECK(hashes(found.splits[index_of(split)]) == hashes(elsewhere.splits[index_of(split)]));
    CHECK(found.splits[index_of(split)].size() > 4);
    for (const Document& document : found.splits[index_of(split)]) {
      const std::string name = document.path.stem().string();
      CHECK(numbers.insert(name.substr(0, name.size() - 1)).second);
    }
  }
  CHECK(numbers.size() == 40);
  const LanguageDocuments all = python_of(here, {.dev = 0.3, .test = 0.3, .near_duplicates = 0});
  CHECK(all.filtered[index_of(Filter::near_duplicate)] == 0);
  CHECK(all.splits[0].size() + all.splits[1].size() + all.splits[2].size() == 120);
}

TEST_CASE("sources without usable text are refused with a list of what was found") {
  const ScratchFolder folder;
  const auto refused_with = [&](const std::string& text) {
    CHECK_THROWS_WITH(split_documents(walk_sources({folder.path()}), {}), ContainsSubstring(text));
  };
  refused_with("(.py .java .cpp .cc .cxx .hpp .hxx .ipp .h .rs .go .rb), found none; besides: nothing");
  std::filesystem::create_symlink(MOE_TEST_CORPUS, folder / "link");
  refused_with("found none; besides: links 1 (not followed: give the folder that one leads to)");
  put_bytes(folder / "readme.md", "a = 1\n");
  put_bytes(folder / "empty.py", "");
  put_bytes(folder / "mark.rb", "\xef\xbb\xbf");
  put_bytes(folder / "latin.go", "\xe9");
  refused_with("found 3, all left out (empty 2, not_utf8 1); besides: links 1 ");
  refused_with("other files 1 (.md 1)");
}

TEST_CASE("a byte-order mark is not part of a document") {
  const ScratchFolder folder;
  put_bytes(folder / "a.py",
            "\xef\xbb\xbf"
            "a = 1\r\n");
  const Document document = python_of(folder, {.dev = 0, .test = 0}).splits[index_of(Split::train)].front();
  CHECK(read_document(document) == "a = 1\r\n");
}

TEST_CASE("a document that changed after the split is refused") {
  const ScratchFolder folder;
  put_bytes(folder / "a.py", "a = 1\n");
  const Document document = python_of(folder, {}).splits[index_of(Split::train)].front();
  CHECK(read_document(document) == "a = 1\n");
  put_bytes(folder / "a.py", "a = 2\n");
  CHECK_THROWS_AS(read_document(document), BadFile);
  CHECK_THROWS_WITH(read_document(document), ContainsSubstring("must not change during the run"));
}

TEST_CASE("invalid held-out fractions and similarity thresholds are refused") {
  CHECK_NOTHROW(require_in_range({.dev = 0, .test = 0.49}));
  CHECK_THROWS_WITH(require_in_range({.dev = 0.5}), "[sources] a held-out fraction must be in [0, 0.5), found 0.5");
  CHECK_THROWS_AS(require_in_range({.test = -0.1}), UsageError);
  CHECK_NOTHROW(require_in_range({.near_duplicates = 0}));
  CHECK_NOTHROW(require_in_range({.near_duplicates = 1}));
  CHECK_THROWS_WITH(require_in_range({.near_duplicates = 0.3}), ContainsSubstring("in [0.5, 1], found 0.3"));
  CHECK_THROWS_AS(require_in_range({.near_duplicates = std::numeric_limits<double>::quiet_NaN()}), UsageError);
  CHECK_THROWS_AS(require_in_range({.test = std::numeric_limits<double>::quiet_NaN()}), UsageError);
}

}  // namespace splits_test
