#include "multipl_moe/data/source_tree.hpp"

#include <sys/stat.h>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace source_tree_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

TEST_CASE("a tree is walked in bytewise order, links are not followed") {
  const ScratchFolder folder;
  for (const char* const name : {"t/b.go", "t/a/z.py", "t/a/deep/er/x.rs", "t/B.java", "t/note.txt", "outside/o.rb"})
    put_bytes(folder / name, "x");
  std::filesystem::create_symlink(folder / "outside", folder / "t/link");
  std::filesystem::create_symlink(folder / "outside/o.rb", folder / "t/o.rb");
  REQUIRE(::mkfifo((folder / "t/fifo.py").c_str(), 0600) == 0);
  const SourceTree tree = walk_sources({folder / "t"});
  REQUIRE(tree.files.size() == 4);
  CHECK(tree.files[0].path == folder / "t/B.java");
  CHECK(tree.files[1].path == folder / "t/a/deep/er/x.rs");
  CHECK(tree.files[2].path == folder / "t/a/z.py");
  CHECK(tree.files[3].path == folder / "t/b.go");
  CHECK(tree.files[3].language == Language::go);
  CHECK(tree.other_files == 4);
  CHECK(tree.links == 2);
  CHECK(tree.other_extensions == std::map<std::string, std::int64_t>{{".txt", 1}});
  CHECK(describe_others(tree) ==
        "links 2 (not followed: give the folder that one leads to), other files 1 (.txt 1), special files 1");
  CHECK(tree.unreadable_folders == 0);
  CHECK(walk_sources({folder / "t/link"}).files.size() == 1);
  CHECK(walk_sources({folder / "t", folder / "outside"}).files.size() == 5);
}

TEST_CASE("a source that is not a folder is refused") {
  const ScratchFolder folder;
  put_bytes(folder / "a.py", "x");
  CHECK_THROWS_AS(walk_sources({folder / "a.py"}), UsageError);
  CHECK_THROWS_AS(walk_sources({folder / "missing"}), UsageError);
}

TEST_CASE("unusable files are listed by frequency, up to a limit") {
  SourceTree tree;
  CHECK(describe_others(tree) == "nothing");
  for (int i = 0; i < 11; ++i) tree.other_extensions["." + std::to_string(i)] = 20 - i;
  tree.other_extensions[""] = 18;
  tree.other_extensions["\x1b"] = 30;
  tree.unreadable_folders = 3;
  for (const auto& [extension, count] : tree.other_extensions) tree.other_files += count;
  CHECK(describe_others(tree) ==
        "other files 213 (\\x1b 30, .0 20, .1 19, without an extension 18, .2 18, .3 17, .4 16, .5 15, 5 more kinds), "
        "folders that cannot be read 3");
}

}  // namespace source_tree_test
