#include "multipl_moe/data/splits.hpp"

#include <algorithm>
#include <limits>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

LanguageDocuments python_of(const ScratchFolder& folder, const HeldOut& held_out) {
  return split_documents(walk_sources({folder.path()}), Language::python, held_out);
}

std::vector<std::uint64_t> hashes(const Documents& documents) {
  std::vector<std::uint64_t> result;
  for (const Document& document : documents) result.push_back(document.hash);
  return result;
}

}  // namespace

TEST_CASE("what is held out has the lowest hashes, and the order within a split is another") {
  const ScratchFolder folder;
  for (int i = 0; i < 60; ++i) put_bytes(folder / (std::to_string(i) + ".py"), "a = " + std::to_string(i) + "\n");
  put_bytes(folder / "copy.py", "a = 7\n");
  put_bytes(folder / "other.rb", "a = 7\n");
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

TEST_CASE("a document that changed since it was split up is refused") {
  const ScratchFolder folder;
  put_bytes(folder / "a.py", "a = 1\n");
  const Document document = python_of(folder, {}).splits[index_of(Split::train)].front();
  CHECK(read_document(document) == "a = 1\n");
  put_bytes(folder / "a.py", "a = 2\n");
  CHECK_THROWS_AS(read_document(document), BadFile);
  CHECK_THROWS_WITH(read_document(document), ContainsSubstring("must stay as it is"));
}

TEST_CASE("fractions that cannot be held out are refused") {
  CHECK_NOTHROW(require_in_range({.dev = 0, .test = 0.49}));
  CHECK_THROWS_WITH(require_in_range({.dev = 0.5}), "[sources] a held-out fraction must be in [0, 0.5), found 0.5");
  CHECK_THROWS_AS(require_in_range({.test = -0.1}), UsageError);
  CHECK_THROWS_AS(require_in_range({.test = std::numeric_limits<double>::quiet_NaN()}), UsageError);
}
