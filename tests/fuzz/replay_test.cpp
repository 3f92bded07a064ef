/// Runs the corpus through every target in every build: unchanged, truncated at every byte, and with changed bytes.
#include <algorithm>

#include "fuzz/target.hpp"
#include "multipl_moe/io/scratch.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace replay_test {

using namespace multipl_moe;
using namespace multipl_moe::fuzz;
namespace fs = std::filesystem;

namespace {

std::vector<fs::path> corpus_of(const Target& target) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(fs::path(MOE_FUZZ_CORPUS) / target.name)) files.push_back(entry);
  std::sort(files.begin(), files.end());
  return files;
}

/// Fails if the target neither accepts nor rejects the bytes.
bool takes(const Target& target, const fs::path& file, const std::string& bytes) {
  INFO(target.name << ", " << file.filename() << ": " << escaped(bytes, 2000));
  bool taken = false;
  CHECK_NOTHROW(taken = target.takes(bytes));
  return taken;
}

/// In slow builds every fourth byte.
constexpr std::size_t step = moe::testing::is_slow_build ? 4 : 1;

}  // namespace

TEST_CASE("every target has a corpus, and every corpus a target", "[fuzz]") {
  std::vector<std::string> folders, names;
  for (const auto& entry : fs::directory_iterator(MOE_FUZZ_CORPUS)) folders.push_back(entry.path().filename());
  for (const Target& target : targets()) names.push_back(target.name);
  std::sort(folders.begin(), folders.end());
  std::sort(names.begin(), names.end());
  CHECK(names == folders);
}

TEST_CASE("every parser accepts some files of its corpus and rejects some", "[fuzz]") {
  for (const Target& target : targets()) {
    int taken = 0, refused = 0;
    for (const fs::path& file : corpus_of(target)) ++(takes(target, file, testing::get_bytes(file)) ? taken : refused);
    INFO(target.name);
    CHECK(taken > 0);
    // These targets accept any bytes.
    CHECK((refused > 0 || target.name == "fences" || target.name == "utf8_stream"));
  }
}

TEST_CASE("every parser accepts or rejects its corpus truncated at any byte", "[fuzz]") {
  for (const Target& target : targets())
    for (const fs::path& file : corpus_of(target)) {
      const std::string whole = testing::get_bytes(file);
      for (std::size_t size = 0; size < whole.size(); size += step) takes(target, file, whole.substr(0, size));
    }
}

TEST_CASE("every parser accepts or rejects its corpus with any byte changed", "[fuzz]") {
  const std::string others = moe::testing::is_slow_build ? "\xff" : std::string("\0\"{9\xff", 5);
  for (const Target& target : targets())
    for (const fs::path& file : corpus_of(target)) {
      std::string bytes = testing::get_bytes(file);
      for (std::size_t at = 0; at < bytes.size(); at += step)
        for (const char other : others) {
          const char was = std::exchange(bytes[at], other);
          takes(target, file, bytes);
          bytes[at] = was;
        }
    }
}

}  // namespace replay_test
