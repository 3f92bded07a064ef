#include "multipl_moe/io/atomic_folder.hpp"

#include <cerrno>
#include <stdexcept>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/file.hpp"
#include "multipl_moe/io/manifest.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"

namespace atomic_folder_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
namespace fs = std::filesystem;

namespace {

void save(const fs::path& path, const std::string& text) {
  save_folder_atomically(path, [&](const fs::path& folder) { put_bytes(folder / "weights", text); });
}

std::ptrdiff_t entries_in(const fs::path& folder) {
  return std::distance(fs::directory_iterator(folder), fs::directory_iterator());
}

}  // namespace

TEST_CASE("a folder is saved and replaced without leftovers") {
  const ScratchFolder scratch;
  const fs::path path = scratch / "run/checkpoints/step-1";
  save(path, "old");
  CHECK(get_bytes(path / "weights") == "old");
  save(path / "", "new");
  CHECK(get_bytes(path / "weights") == "new");
  check_manifest(path);
  CHECK(entries_in(path) == 2);
  CHECK(entries_in(path.parent_path()) == 1);
}

TEST_CASE("the old folder survives a save that fails") {
  const ScratchFolder scratch;
  const fs::path path = scratch / "step";
  save(path, "old");
  CHECK_THROWS_AS(save_folder_atomically(path,
                                         [](const fs::path& folder) {
                                           put_bytes(folder / "weights", "half");
                                           throw std::runtime_error("no more");
                                         }),
                  std::runtime_error);
  CHECK_THROWS_AS(save_folder_atomically(path, [](const fs::path& folder) { fs::create_directory(folder / "deeper"); }),
                  Failure);
  CHECK_THROWS_AS(save_folder_atomically(path, [](const fs::path&) { CheckedFile("/dev/full").write("x"); }), IoError);
  CHECK(get_bytes(path / "weights") == "old");
  check_manifest(path);
  CHECK(entries_in(scratch.path()) == 1);
}

TEST_CASE("a tree appears whole or not at all, in a new or an empty folder") {
  const ScratchFolder scratch;
  const auto fill = [](const fs::path& made) {
    save(made / "part", "x");
    write_file_atomically(made / "file", "y");
  };
  CHECK_THROWS_AS(save_tree_atomically(scratch / "tree",
                                       [&](const fs::path& made) {
                                         fill(made);
                                         throw IoError(made, "write", ENOSPC);
                                       }),
                  IoError);
  CHECK(names_in(scratch.path()).empty());
  fs::create_directory(scratch / "tree");
  save_tree_atomically(scratch / "tree", fill);
  CHECK(names_in(scratch / "tree") == std::vector<std::string>{"file", "part"});
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"tree"});
  check_manifest(scratch / "tree/part");
}

TEST_CASE("files appear in a folder all at once or not at all, and others stay") {
  const ScratchFolder scratch;
  put_bytes(scratch / "out/other", "o");
  put_bytes(scratch / "out/a", "old");
  const auto fill = [](const fs::path& made) {
    put_bytes(made / "a", "new");
    put_bytes(made / "b", "new");
  };
  CHECK_THROWS_AS(save_files_atomically(scratch / "out",
                                        [&](const fs::path& made) {
                                          fill(made);
                                          throw IoError(made, "write", ENOSPC);
                                        }),
                  IoError);
  CHECK(names_in(scratch / "out") == std::vector<std::string>{"a", "other"});
  CHECK(get_bytes(scratch / "out/a") == "old");
  put_bytes(scratch / "out/.files.partial/c", "left by a kill");
  save_files_atomically(scratch / "out", fill);
  CHECK(names_in(scratch / "out") == std::vector<std::string>{"a", "b", "other"});
  CHECK(get_bytes(scratch / "out/a") == "new");
}

TEST_CASE("a folder can be named by a dot") {
  const ScratchFolder scratch;
  fs::create_directories(scratch / "a/b");
  save(scratch / "a/.", "dot");
  CHECK(get_bytes(scratch / "a/weights") == "dot");
  fs::create_directories(scratch / "c/d");
  save(scratch / "c/d/..", "dots");
  CHECK(get_bytes(scratch / "c/weights") == "dots");
  CHECK(names_in(scratch.path()) == std::vector<std::string>{"a", "c"});
}

TEST_CASE("leftovers of a killed save are removed by the next save") {
  const ScratchFolder scratch;
  put_bytes(scratch / ".step.partial/weights", "half");
  put_bytes(scratch / ".step.previous/weights", "older");
  put_bytes(scratch / "step/weights", "old");
  save(scratch / "step", "new");
  CHECK(get_bytes(scratch / "step/weights") == "new");
  CHECK(entries_in(scratch.path()) == 1);
}

TEST_CASE("a save that fails after a killed one restores the previous folder") {
  const ScratchFolder scratch;
  put_bytes(scratch / ".step.previous/weights", "old");
  CHECK_THROWS_AS(
      save_folder_atomically(scratch / "step", [](const fs::path&) { throw std::runtime_error("no more"); }),
      std::runtime_error);
  CHECK(get_bytes(scratch / "step/weights") == "old");
}

TEST_CASE("recover_folder restores the previous folder, never over an existing one") {
  const ScratchFolder scratch;
  put_bytes(scratch / ".step.previous/weights", "old");
  recover_folder(scratch / "step");
  CHECK(get_bytes(scratch / "step/weights") == "old");
  put_bytes(scratch / ".step.previous/weights", "older");
  recover_folder(scratch / "step");
  CHECK(get_bytes(scratch / "step/weights") == "old");
}

TEST_CASE("removing a folder leaves nothing, also after an interrupted removal") {
  const ScratchFolder scratch;
  put_bytes(scratch / "step/weights", "old");
  put_bytes(scratch / ".step.removed/weights", "older");
  remove_folder(scratch / "step");
  CHECK(entries_in(scratch.path()) == 0);
  CHECK_THROWS_AS(remove_folder(scratch / "step"), IoError);
}

TEST_CASE("remove_leftovers removes the leftovers of killed saves and nothing else") {
  const ScratchFolder scratch;
  put_bytes(scratch / ".step-1.partial/weights", "half");
  put_bytes(scratch / ".step-2.removed/weights", "half gone");
  put_bytes(scratch / ".step-3.previous/weights", "set aside");
  put_bytes(scratch / "step-4/weights", "new");
  put_bytes(scratch / ".step-4.previous/weights", "old");
  put_bytes(scratch / ".LATEST.partial", "step");
  put_bytes(scratch / ".hidden", "the user's");
  remove_leftovers(scratch.path());
  CHECK(get_bytes(scratch / "step-3/weights") == "set aside");
  CHECK(get_bytes(scratch / "step-4/weights") == "new");
  CHECK(get_bytes(scratch / ".hidden") == "the user's");
  CHECK(entries_in(scratch.path()) == 3);
}

TEST_CASE("folders are created with their parents, never over a file") {
  const ScratchFolder scratch;
  create_folders(scratch / "a/b/c/");
  create_folders(scratch / "a/b/c");
  CHECK(fs::is_directory(scratch / "a/b/c"));
  put_bytes(scratch / "file", "x");
  CHECK_THROWS_AS(create_folders(scratch / "file"), IoError);
  CHECK_THROWS_AS(create_folders(scratch / "file/below"), IoError);
}

}  // namespace atomic_folder_test
