#include "moe/safetensors/tensor_folder.hpp"

#include <sys/stat.h>

#include <vector>

#include "moe/safetensors/writer.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace tensor_folder_test {

using namespace moe;
using namespace moe::io;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

namespace fs = std::filesystem;

const std::vector<float> ones{1, 2, 3}, twos{4, 5};
constexpr const char* index_file = "model.safetensors.index.json";

TensorView view(const char* name, const std::vector<float>& values) {
  return {name, "F32", {static_cast<std::int64_t>(values.size())}, std::as_bytes(std::span(values))};
}

void put_index(const ScratchFolder& folder, const std::string& map, const std::string& total = "20") {
  put_bytes(folder / index_file, R"({"metadata":{"total_size":)" + total + R"(},"weight_map":{)" + map + "}}");
}

/// "a" in the file one, "b" in the file two.
constexpr const char* both = R"("a":"one","b":"two")";

struct Sharded : ScratchFolder {
  Sharded() {
    write_safetensors(*this / "one", std::vector{view("a", ones)});
    write_safetensors(*this / "two", std::vector{view("b", twos)});
    put_index(*this, both);
  }
};

void check_refused(const ScratchFolder& folder, const std::string& file, const std::string& rule) {
  try {
    TensorFolder::open(folder.path());
    FAIL_CHECK("was accepted; expected the error: " << rule);
  } catch (const BadFile& error) {
    CHECK_THAT(error.what(), ContainsSubstring(rule));
    CHECK(error.path().filename() == file);
  }
}

}  // namespace

TEST_CASE("tensors are read from the file that has them") {
  const Sharded folder;
  const TensorFolder model = TensorFolder::open(folder.path());
  CHECK(TensorFolder::is_in(folder.path()));
  CHECK_FALSE(TensorFolder::is_in(folder.path(), "optimizer"));
  CHECK(model.tensors().size() == 2);
  CHECK(model.contains("a"));
  CHECK_FALSE(model.contains("c"));
  CHECK(model.path_of("b") == folder / "two");
  CHECK(model.files().size() == 2);
  std::vector<float> values(3);
  model.read_floats("a", values);
  CHECK(values == ones);
  values.resize(1);
  model.read_floats("b", 1, values);
  CHECK(values[0] == 5.0f);
  std::vector<std::byte> bytes(8), part(4);
  model.read("b", bytes);
  model.read("b", 4, part);
  CHECK(std::equal(part.begin(), part.end(), bytes.begin() + 4));
  CHECK_THROWS_WITH(model.read_floats("b", 2, values), ContainsSubstring("'b' has 2 elements"));
  CHECK_THROWS_AS(model.read_floats("a", values), BadFile);
  CHECK_THROWS_AS(model.read("a", part), BadFile);
  CHECK_THROWS_WITH(model.entry("c"), ContainsSubstring("must hold the tensor 'c', found 2 others"));
}

TEST_CASE("a single file takes precedence over an index, and another stem is another model") {
  const Sharded folder;
  write_safetensors(folder / "model.safetensors", std::vector{view("c", ones)});
  write_safetensors(folder / "optimizer.safetensors", std::vector{view("d", ones)});
  CHECK(TensorFolder::open(folder.path()).contains("c"));
  CHECK(TensorFolder::open(folder.path(), "optimizer").contains("d"));
  CHECK_THROWS_WITH(TensorFolder::open(folder.path(), "other"),
                    ContainsSubstring("must hold other.safetensors or other.safetensors.index.json, found neither"));
}

TEST_CASE("more files than may stay open are read in any order") {
  const ScratchFolder folder;
  std::string map;
  for (int i = 0; i < 40; ++i) {
    const std::string name = std::to_string(i);
    const std::vector<float> value{static_cast<float>(i)};
    write_safetensors(folder / ("f" + name), std::vector{view(name.c_str(), value)});
    map += (i > 0 ? ",\"" : "\"") + name + "\":\"f" + name + "\"";
  }
  put_index(folder, map, "160");
  const TensorFolder model = TensorFolder::open(folder.path());
  for (int i = 0; i < 120; ++i) {
    std::vector<float> value(1);
    model.read_floats(std::to_string(i * 7 % 40), value);
    CHECK(value[0] == static_cast<float>(i * 7 % 40));
  }
  write_safetensors(folder / "f39", std::vector{view("39", twos)});
  write_safetensors(folder / "f0", std::vector{view("0", twos)});
  std::vector<float> value(1);
  for (int i = 1; i < 39; ++i) model.read_floats(std::to_string(i), value);
  CHECK_THROWS_WITH(model.read_floats("39", value), ContainsSubstring("as when its header was read"));
}

TEST_CASE("shards that are not regular files of the folder are refused") {
  const std::string plain = "must be a plain file name";
  for (const auto* name : {"../x", "/etc/passwd", "a/b", "", ".", "..", "a\\u0000b", "a\\\\b"}) {
    const Sharded folder;
    INFO(name);
    put_index(folder, std::string(R"("a":"one","b":")") + name + "\"");
    check_refused(folder, index_file, plain);
  }
  const auto replaced = [](auto make) {
    const Sharded folder;
    const ScratchFolder outside;
    write_safetensors(outside / "two", std::vector{view("b", twos)});
    fs::remove(folder / "two");
    make(folder / "two", outside / "two");
    try {
      TensorFolder::open(folder.path());
    } catch (const BadFile& error) {
      CHECK(error.path().filename() == "two");
      return std::string(error.what());
    }
    return std::string("was accepted");
  };
  CHECK_THAT(replaced([](const fs::path& two, const fs::path& other) { fs::create_symlink(other, two); }),
             ContainsSubstring("must lie in its folder") && ContainsSubstring("found a link to"));
  CHECK_THAT(replaced([](const fs::path& two, const fs::path&) { fs::create_symlink("/dev/zero", two); }),
             ContainsSubstring("must lie in its folder"));
  CHECK_THAT(replaced([](const fs::path& two, const fs::path&) { fs::create_symlink("two", two); }),
             ContainsSubstring("cannot be opened"));
  CHECK_THAT(replaced([](const fs::path& two, const fs::path&) { ::mkfifo(two.c_str(), 0600); }),
             ContainsSubstring("regular file"));
  CHECK_THAT(replaced([](const fs::path& two, const fs::path&) { fs::create_directory(two); }),
             ContainsSubstring("found a folder"));
  CHECK_THAT(replaced([](const fs::path&, const fs::path&) {}), ContainsSubstring("cannot be opened"));
}

TEST_CASE("a link within the folder is accepted") {
  const Sharded folder;
  fs::rename(folder / "two", folder / "three");
  fs::create_symlink("three", folder / "two");
  CHECK(TensorFolder::open(folder.path()).contains("b"));
}

namespace {

/// A model in the layout of Hugging Face's cache: `hub/snapshots/1` links to the files of `hub/blobs`.
struct Cached : ScratchFolder {
  Cached() {
    fs::create_directories(snapshot());
    put_bytes(blob("index"), std::string(R"({"weight_map":{)") + both + "}}");
    write_safetensors(blob("one"), std::vector{view("a", ones)});
    write_safetensors(blob("two"), std::vector{view("b", twos)});
    for (const char* name : {"one", "two"}) link(name, fs::path("../../blobs") / name);
    link(index_file, "../../blobs/index");
  }
  fs::path snapshot() const { return *this / "hub/snapshots/1"; }
  fs::path blob(const char* name) const { return *this / "hub/blobs" / name; }
  void link(const char* name, const fs::path& to) const {
    fs::remove(snapshot() / name);
    fs::create_symlink(to, snapshot() / name);
  }
  void check_refused(const std::string& rule) const {
    CHECK_THROWS_WITH(TensorFolder::open(snapshot()), ContainsSubstring("two") && ContainsSubstring(rule));
    CHECK_THROWS_AS(TensorFolder::open(snapshot()), BadFile);
  }
};

const std::string outside =
    "must lie in its folder, or in ../../blobs of a folder snapshots/<revision>, found a link to ";

}  // namespace

TEST_CASE("links to the blobs of Hugging Face's cache are files of the model") {
  const Cached cache;
  const TensorFolder model = TensorFolder::open(cache.snapshot());
  std::vector<float> values(2);
  model.read_floats("b", values);
  CHECK(values == twos);
  // Also if the revision is reached through a link, and if links are absolute.
  fs::create_directory_symlink(cache.snapshot(), cache / "model");
  CHECK(TensorFolder::open(cache / "model").contains("b"));
  cache.link("two", cache.blob("two"));
  CHECK(TensorFolder::open(cache.snapshot()).contains("b"));
}

TEST_CASE("other links out of a folder in a cache are refused") {
  const Cached cache;
  SECTION("a blob that is a link") {
    fs::rename(cache.blob("two"), cache / "hub/elsewhere");
    fs::create_symlink("../elsewhere", cache.blob("two"));
    cache.check_refused(outside);
  }
  SECTION("a folder blobs that is a link") {
    fs::rename(cache / "hub/blobs", cache / "elsewhere");
    fs::create_directory_symlink(cache / "elsewhere", cache / "hub/blobs");
    CHECK_THROWS_WITH(TensorFolder::open(cache.snapshot()), ContainsSubstring(outside));
  }
  SECTION("a folder below blobs") {
    fs::create_directory(cache.blob("deeper"));
    fs::rename(cache.blob("two"), cache.blob("deeper/two"));
    cache.link("two", "../../blobs/deeper/two");
    cache.check_refused(outside);
  }
  SECTION("a folder beside the snapshot, and one beside blobs") {
    for (const char* folder : {"hub/snapshots/2", "hub/refs"}) {
      fs::create_directories(cache / folder);
      fs::copy_file(cache.blob("two"), cache / folder / "two");
      cache.link("two", cache / folder / "two");
      cache.check_refused(outside);
    }
  }
  SECTION("snapshots without blobs") {
    fs::rename(cache / "hub/blobs", cache / "hub/files");
    cache.link(index_file, "../../files/index");
    CHECK_THROWS_WITH(TensorFolder::open(cache.snapshot()), ContainsSubstring(outside));
    cache.link(index_file, "../../blobs/index");
    CHECK_THROWS_WITH(TensorFolder::open(cache.snapshot()), ContainsSubstring("cannot be opened"));
  }
  SECTION("blobs without snapshots") {
    fs::rename(cache / "hub/snapshots", cache / "hub/revisions");
    CHECK_THROWS_WITH(TensorFolder::open(cache / "hub/revisions/1"), ContainsSubstring(outside));
  }
  SECTION("a folder below the snapshot") {
    fs::rename(cache.snapshot(), cache / "hub/1");
    fs::create_directory(cache / "hub/snapshots/2");
    fs::rename(cache / "hub/1", cache / "hub/snapshots/2/1");
    fs::create_directory_symlink("../blobs", cache / "hub/snapshots/blobs");
    CHECK_THROWS_WITH(TensorFolder::open(cache / "hub/snapshots/2/1"), ContainsSubstring(outside));
  }
  SECTION("not a regular file") {
    fs::remove(cache.blob("two"));
    REQUIRE(::mkfifo(cache.blob("two").c_str(), 0600) == 0);
    cache.check_refused("must be a regular file, found a special file");
    fs::remove(cache.blob("two"));
    fs::create_directory(cache.blob("two"));
    cache.check_refused("must be a regular file, found a folder");
  }
}

TEST_CASE("an index and files that disagree are refused") {
  const auto refused = [](const std::string& map, const std::string& total, const std::string& file,
                          const std::string& rule) {
    const Sharded folder;
    put_index(folder, map, total);
    check_refused(folder, file, rule);
  };
  refused(R"("a":"one","b":"two","c":"two")", "20", index_file, "lists 'c' in two, which has no such tensor");
  refused(R"("a":"one","c":"two")", "20", index_file, "lists 'c' in two, which has no such tensor");
  refused(both, "19", index_file, "metadata.total_size must be the 20 bytes of all tensors, found 19");
  refused(both, "-20", index_file, "metadata.total_size must be an unsigned integer");
  refused(both, "20.0", index_file, "metadata.total_size must be an unsigned integer");
  refused(R"("a":"one","a":"one","b":"two")", "20", index_file, "a tensor must be listed once, found 'a' twice");
  refused(R"("a":"one","b":2)", "20", index_file, "the file of 'b' must be a plain file name, found a number");
  refused(R"("a":"one","b":{"c":"two"})", "20", index_file, "'b' must be the name of a file");
  refused(R"("a":"one","b":["two"])", "20", index_file, "found an array");

  const Sharded twice;
  write_safetensors(twice / "two", std::vector{view("a", ones), view("b", twos)});
  check_refused(twice, "two", "a tensor must be in one file, found 'a' in one too");
}

TEST_CASE("text that is not an index is refused") {
  const auto refused = [](const std::string& text, const std::string& rule) {
    const Sharded folder;
    put_bytes(folder / index_file, text);
    check_refused(folder, index_file, rule);
  };
  refused("", "must be JSON");
  refused("[]", "must be a JSON object");
  refused("7", "must be a JSON object");
  refused("{}", "weight_map is missing");
  refused(R"({"weight_map":[]})", "weight_map must be an object");
  refused(R"({"weight_map":{},"weight_map":{}})", "weight_map must occur once");
  refused(R"({"metadata":7,"weight_map":{}})", "metadata must be an object");
  refused(R"({"weight_map":{}} x)", "must be JSON");
  refused("\xef\xbb\xbf\xef\xbb\xbf{}", "must be JSON");
  refused(std::string("{}\0", 3), "NUL");
  refused(R"({"weight_map":{},"x":)" + std::string(100'000, '['), "nest at most 64 deep");
  refused(R"({"weight_map":{")" + std::string(5000, 'a') + R"(":"one"}})", "at most 4096 bytes");
  refused(R"({"weight_map":{"a":"\xff"}})", "must be JSON");
}

TEST_CASE("a tensor that the index lists in another file, or not at all, is read from its own file") {
  const auto check = [](const std::string& map, const std::string& total, const std::vector<std::string>& misplaced) {
    const Sharded folder;
    put_index(folder, map, total);
    const TensorFolder model = TensorFolder::open(folder.path());
    CHECK(model.misplaced() == misplaced);
    std::vector<float> a(ones.size()), b(twos.size());
    model.read_floats("a", a);
    model.read_floats("b", b);
    CHECK(a == ones);
    CHECK(b == twos);
  };
  check(both, "20", {});
  // Only the files that the index names are read.
  check(R"("a":"two","b":"one")", "20",
        {"'a' is in one, the index has it in two", "'b' is in two, the index has it in one"});

  const Sharded folder;
  write_safetensors(folder / "two", std::vector{view("b", twos), view("c", ones)});
  const std::size_t extra = ones.size() * sizeof(float);
  for (const std::size_t total : {std::size_t{20}, 20 + extra}) {
    put_index(folder, both, std::to_string(total));
    CHECK(TensorFolder::open(folder.path()).misplaced() ==
          std::vector<std::string>{"'c' is in two, the index does not list it"});
  }
  put_index(folder, both, "21");
  check_refused(folder, index_file, "metadata.total_size must be the");
}

TEST_CASE("an index with a byte-order mark and carriage returns is the same index") {
  const Sharded folder;
  put_bytes(folder / index_file, "\xef\xbb\xbf{\r\n\"weight_map\": {\"a\": \"one\",\r\n\"b\": \"two\"}\r\n}\r\n");
  CHECK(TensorFolder::open(folder.path()).tensors().size() == 2);
}

TEST_CASE("without a path check links may lead anywhere, and a check's remedy ends its message") {
  const ScratchFolder folder;
  write_safetensors(folder / "elsewhere", std::vector{view("a", ones)});
  std::filesystem::create_directory(folder / "model");
  std::filesystem::create_symlink(folder / "elsewhere", folder / "model/model.safetensors");
  CHECK_THROWS_WITH(TensorFolder::open(folder / "model", "model", own_files_only("a flag follows it")),
                    ContainsSubstring("elsewhere; a flag follows it"));
  CHECK(TensorFolder::open(folder / "model", "model", PathCheck()).contains("a"));
  // A link to a missing file remains an error.
  std::filesystem::remove(folder / "elsewhere");
  CHECK_THROWS_WITH(TensorFolder::open(folder / "model", "model", PathCheck()), ContainsSubstring("cannot be opened"));
}

TEST_CASE("an index may have unknown fields and omit total_size") {
  const Sharded folder;
  put_bytes(folder / index_file,
            R"({"metadata":{"total_parameters":5,"x":[1,{"y":null}]},"z":[{}],"weight_map":{"a":"one","b":"two"}})");
  CHECK(TensorFolder::open(folder.path()).tensors().size() == 2);
}

TEST_CASE("a sharded model with any file truncated at any byte is a bad file") {
  for (const auto* name : {"one", "two", index_file}) {
    const Sharded folder;
    const std::string whole = get_bytes(folder / name);
    for (std::size_t size = 0; size < whole.size(); ++size) {
      put_bytes(folder / name, whole.substr(0, size));
      INFO(name << " cut to " << size << " bytes");
      CHECK_THROWS_AS(TensorFolder::open(folder.path()), BadFile);
    }
  }
}

}  // namespace tensor_folder_test
