#include "multipl_moe/io/model_file.hpp"

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "../tokenizer/golden_tokenizer.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/generation_config.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/io/safetensors.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"
#include "scratch.hpp"
#include "support/catch.hpp"

namespace model_file_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// A model's small files in the layout of Hugging Face's cache, each with the function that reads it.
struct Cached : ScratchFolder {
  struct Entry {
    std::string name, text;
    std::function<void(const fs::path& folder)> read;
  };
  std::vector<Entry> entries{
      {"config.json", to_json_text(size_named("tiny"), "float32"), [](const fs::path& f) { read_config_of(f); }},
      {"generation_config.json", R"({"temperature": 0.5})", [](const fs::path& f) { read_generation_config(f); }},
      {"tokenizer.json", golden_json().dump(), [](const fs::path& f) { read_tokenizer(f); }},
      {"tokenizer_config.json", "{}", [](const fs::path& f) { read_tokenizer(f); }}};

  Cached() {
    fs::create_directories(snapshot());
    fs::create_directories(*this / "hub/blobs");
    fs::create_directories(*this / "elsewhere");
    for (const Entry& entry : entries) {
      put_bytes(*this / "hub/blobs" / entry.name, entry.text);
      put_bytes(*this / "elsewhere" / entry.name, entry.text);
      fs::create_symlink("../../blobs/" + entry.name, snapshot() / entry.name);
    }
  }
  fs::path snapshot() const { return *this / "hub/snapshots/1"; }
};

}  // namespace

TEST_CASE("configurations and tokenizers are read through a cache's links", "[io]") {
  const Cached cache;
  CHECK(read_config_of(cache.snapshot()) == size_named("tiny"));
  CHECK(read_generation_config(cache.snapshot()).temperature == 0.5);
  CHECK(read_tokenizer(cache.snapshot())->vocab_size() == golden_tokenizer().vocab_size());
}

TEST_CASE("no file of a model is read through a link that leads outside its folder", "[io]") {
  const Cached cache;
  for (const Cached::Entry& entry : cache.entries) {
    INFO(entry.name);
    fs::remove(cache.snapshot() / entry.name);
    fs::create_symlink(cache / "elsewhere" / entry.name, cache.snapshot() / entry.name);
    CHECK_THROWS_AS(entry.read(cache.snapshot()), BadFile);
    CHECK_THROWS_WITH(entry.read(cache.snapshot()),
                      ContainsSubstring(entry.name) && ContainsSubstring("must lie in its folder"));
    fs::remove(cache.snapshot() / entry.name);
    put_bytes(cache.snapshot() / entry.name, entry.text);
    CHECK_NOTHROW(entry.read(cache.snapshot()));
  }
}

TEST_CASE("with --allow-links links may lead anywhere, and without it the error names the flag", "[io]") {
  const ScratchFolder folder;
  write_safetensors(folder / "elsewhere", {});
  fs::create_directory(folder / "model");
  fs::create_symlink(folder / "elsewhere", folder / "model/model.safetensors");
  CHECK_THROWS_WITH(open_tensors(folder / "model"), ContainsSubstring("--allow-links"));
  allow_links();
  CHECK(open_tensors(folder / "model").tensors().empty());
  // A link to a missing file remains an error.
  fs::remove(folder / "elsewhere");
  CHECK_THROWS_WITH(open_tensors(folder / "model"), ContainsSubstring("cannot be opened"));
  allow_links(false);
}

TEST_CASE("a file that a user names may be a link to anywhere", "[io]") {
  const Cached cache;
  fs::create_symlink(cache / "elsewhere/config.json", cache / "named.json");
  CHECK(read_config(cache / "named.json") == size_named("tiny"));
}

}  // namespace model_file_test
