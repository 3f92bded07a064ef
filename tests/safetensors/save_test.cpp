/// Saving: what the files hold, and that a save that fails changes nothing.
#include "moe/safetensors/save.hpp"

#include <sys/resource.h>

#include <cerrno>
#include <csignal>
#include <filesystem>
#include <limits>

#include "moe/safetensors/load.hpp"
#include "moe/safetensors/reader.hpp"
#include "safetensors/layers.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace save_test {

using namespace moe;
using namespace moe::io;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

/// While it exists, no file can grow beyond `bytes`: a write fails as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const struct rlimit lower { bytes, before_.rlim_max };
    handler_ = std::signal(SIGXFSZ, SIG_IGN);
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, handler_);
  }
  FileSizeLimit(const FileSizeLimit&) = delete;
  FileSizeLimit& operator=(const FileSizeLimit&) = delete;

 private:
  struct rlimit before_ {};
  void (*handler_)(int) = nullptr;
};

}  // namespace

TEMPLATE_TEST_CASE("a file has every weight and buffer under its name in the walk", "[safetensors]", float, double) {
  const ScratchFolder folder;
  const auto layer = filled(hybrid_layer<TestType>());
  save(folder / "layer.safetensors", layer);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"layer.safetensors"});
  const SafetensorsFile file = SafetensorsFile::open(folder / "layer.safetensors");
  const LayerBytes all = bytes_in(layer);
  CHECK(all.contains("segment.thresholds"));
  CHECK(file.entries().size() == all.size());
  for (const auto& [name, bytes] : all) {
    INFO(name);
    CHECK(file.entry(name).dtype == (sizeof(TestType) == 8 ? "F64" : "F32"));
    std::vector<std::byte> read(bytes.size());
    file.read(name, read);
    CHECK(read == bytes);
  }
  CHECK(file.entry("token.experts.1.down_proj.weight").shape == std::vector<std::int64_t>{6, 5});
  CHECK(file.entry("segment.thresholds").shape == std::vector<std::int64_t>{2});
  CHECK(file.metadata() == TensorMetadata{{"format", "pt"}});
}

TEST_CASE("weights are stored in the chosen dtype, and buffers always in their own", "[safetensors]") {
  const ScratchFolder folder;
  const auto layer = filled(biased_layer<float>());
  for (const auto& [dtype, name] : std::vector<std::pair<StoredDtype, std::string>>{{StoredDtype::float64, "F64"},
                                                                                    {StoredDtype::float32, "F32"},
                                                                                    {StoredDtype::float16, "F16"},
                                                                                    {StoredDtype::bfloat16, "BF16"}}) {
    save(folder / "layer.safetensors", layer, {.dtype = dtype});
    const SafetensorsFile file = SafetensorsFile::open(folder / "layer.safetensors");
    CHECK(file.entry("gate.weight").dtype == name);
    CHECK(file.entry("biases").dtype == "F32");
    std::vector<std::byte> biases(4 * sizeof(float));
    file.read("biases", biases);
    CHECK(biases == bytes_in(layer).at("biases"));
    std::vector<float> gate(static_cast<std::size_t>(layer.routing.gate.weight.size())), same(gate.size());
    file.read_floats("gate.weight", gate);
    std::vector<std::byte> bytes(gate.size() * *dtype_bytes(name));
    encode_floats(name, std::span(layer.routing.gate.weight.data(), gate.size()), bytes);
    decode_floats(name, bytes, same);
    CHECK(gate == same);
  }
}

TEST_CASE("a layer of bfloat16 is stored in its own or a wider dtype", "[safetensors]") {
  const ScratchFolder folder;
  // More values than one piece of the conversion.
  const auto layer = filled(dense_layer<BFloat16>(100, 90));
  save(folder / "own.safetensors", layer);
  save(folder / "wide.safetensors", layer, {.dtype = StoredDtype::float32});
  auto own = dense_layer<BFloat16>(100, 90), wide = dense_layer<BFloat16>(100, 90);
  load(folder / "own.safetensors", own);
  load(folder / "wide.safetensors", wide);
  CHECK(SafetensorsFile::open(folder / "own.safetensors").entry("up_proj.weight").dtype == "BF16");
  CHECK(SafetensorsFile::open(folder / "wide.safetensors").entry("up_proj.weight").dtype == "F32");
  CHECK(bytes_in(own) == bytes_in(layer));
  CHECK(bytes_in(wide) == bytes_in(layer));
}

TEST_CASE("equal layers give equal bytes, and metadata is stored", "[safetensors]") {
  const ScratchFolder folder;
  save(folder / "one.safetensors", filled(biased_layer<float>()), {.metadata = {{"step", "7"}}});
  save(folder / "two.safetensors", filled(biased_layer<float>()), {.metadata = {{"step", "7"}}});
  CHECK(get_bytes(folder / "one.safetensors") == get_bytes(folder / "two.safetensors"));
  CHECK(SafetensorsFile::open(folder / "one.safetensors").metadata() == TensorMetadata{{"step", "7"}});
}

TEST_CASE("a value that would become infinite is refused, and the previous file stays", "[safetensors]") {
  const ScratchFolder folder;
  auto layer = filled(dense_layer<double>());
  save(folder / "layer.safetensors", layer);
  const std::string before = get_bytes(folder / "layer.safetensors");
  layer.up_proj.data()[8] = -1e39;
  CHECK_THROWS_AS(save(folder / "layer.safetensors", layer, {.dtype = StoredDtype::float32}), ValueTooLarge);
  CHECK_THROWS_WITH(save(folder / "layer.safetensors", layer, {.dtype = StoredDtype::float32}),
                    ContainsSubstring("'up_proj.weight' must have values of at most 3.4028234663852886e+38 to be "
                                      "written as float32, found -1e+39 at [1, 2]") &&
                        ContainsSubstring("float64 holds it"));
  CHECK(get_bytes(folder / "layer.safetensors") == before);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"layer.safetensors"});
}

TEST_CASE("a write that fails leaves the previous file and nothing else", "[safetensors]") {
  const ScratchFolder folder;
  const auto layer = filled(dense_layer<double>(40, 30));
  save(folder / "layer.safetensors", filled(dense_layer<double>(40, 30), 1));
  const std::string before = get_bytes(folder / "layer.safetensors");
  for (const std::uint64_t shard : {default_shard_bytes, std::uint64_t{10'000}}) {
    const FileSizeLimit limit(5'000);
    try {
      save(folder / "layer.safetensors", layer, {.max_shard_bytes = shard});
      FAIL("the save succeeded");
    } catch (const IoError& error) {
      CHECK(error.error_number() == EFBIG);
      CHECK(error.action() == "write");
      CHECK(error.path().parent_path() == folder.path());
      CHECK(error.needed_bytes() > 9'000);
      CHECK_THAT(error.what(), ContainsSubstring("; needed: ") && ContainsSubstring("; free: "));
    }
    CHECK(get_bytes(folder / "layer.safetensors") == before);
    CHECK(names_in(folder.path()) == std::vector<std::string>{"layer.safetensors"});
  }
  save(folder / "layer.safetensors", layer);
  CHECK(get_bytes(folder / "layer.safetensors") != before);
}

TEST_CASE("what a killed save has left is removed by the next one", "[safetensors]") {
  const ScratchFolder folder;
  put_bytes(folder / ".layer.safetensors.partial/layer.safetensors", "half");
  save(folder / "layer.safetensors", filled(dense_layer<float>()));
  CHECK(names_in(folder.path()) == std::vector<std::string>{"layer.safetensors"});
}

TEST_CASE("a path that cannot be written is refused", "[safetensors]") {
  const ScratchFolder folder;
  const auto layer = filled(dense_layer<float>());
  CHECK_THROWS_AS(save(folder / "missing/layer.safetensors", layer), IoError);
  CHECK_THROWS_WITH(save(folder / "missing/layer.safetensors", layer),
                    ContainsSubstring("/missing/layer.safetensors] cannot create"));
  fs::create_directories(folder / "taken.safetensors/inside");
  CHECK_THROWS_AS(save(folder / "taken.safetensors", layer), IoError);
  CHECK(names_in(folder.path()) == std::vector<std::string>{"taken.safetensors"});
  for (const char* path : {"layer.bin", "layer", ".safetensors", "layer.safetensors/"})
    CHECK_THROWS_WITH(save(folder / path, layer), ContainsSubstring("must end in a name and .safetensors"));
}

TEST_CASE("a layer of several files replaces one file, and one file replaces them", "[safetensors]") {
  const ScratchFolder folder;
  const auto small = filled(dense_layer<float>()), other = filled(dense_layer<float>(), 1);
  const auto check_loads = [&](const auto& layer, const std::vector<std::string>& files) {
    CHECK(names_in(folder.path()) == files);
    auto loaded = dense_layer<float>();
    load(folder / "layer.safetensors", loaded);
    CHECK(bytes_in(loaded) == bytes_in(layer));
  };
  put_bytes(folder / "layer-notes.txt", "kept");
  save(folder / "layer.safetensors", small);
  check_loads(small, {"layer-notes.txt", "layer.safetensors"});
  save(folder / "layer.safetensors", other, {.max_shard_bytes = 130});
  check_loads(other, {"layer-00001-of-00003.safetensors", "layer-00002-of-00003.safetensors",
                      "layer-00003-of-00003.safetensors", "layer-notes.txt", "layer.safetensors.index.json"});
  save(folder / "layer.safetensors", small, {.max_shard_bytes = 250});
  check_loads(small, {"layer-00001-of-00002.safetensors", "layer-00002-of-00002.safetensors", "layer-notes.txt",
                      "layer.safetensors.index.json"});
  save(folder / "layer.safetensors", other, {.max_shard_bytes = 250});
  check_loads(other, {"layer-00001-of-00002.safetensors", "layer-00002-of-00002.safetensors", "layer-notes.txt",
                      "layer.safetensors.index.json"});
  save(folder / "layer.safetensors", small);
  check_loads(small, {"layer-notes.txt", "layer.safetensors"});
}

TEST_CASE("only parts that a name's pattern matches are removed with an old index", "[safetensors]") {
  const ScratchFolder folder;
  put_bytes(folder / "other.safetensors", "kept");
  put_bytes(folder / "layer.safetensors.index.json", R"({"weight_map":{"a":"other.safetensors"}})");
  save(folder / "layer.safetensors", filled(dense_layer<float>()));
  CHECK(names_in(folder.path()) == std::vector<std::string>{"layer.safetensors", "other.safetensors"});
}

TEST_CASE("names are mapped, and two tensors never share one", "[safetensors]") {
  const ScratchFolder folder;
  const auto layer = filled(dense_layer<float>());
  save(folder / "layer.safetensors", layer, {.names = [](const std::string& name) { return "mlp." + name; }});
  CHECK(SafetensorsFile::open(folder / "layer.safetensors").entries().contains("mlp.gate_proj.weight"));
  CHECK_THROWS_WITH(save(folder / "layer.safetensors", layer, {.names = [](const std::string&) { return "a"; }}),
                    ContainsSubstring("[save] each tensor must have a name of its own in the file, found 'a' twice"));
  for (const std::string& name : {std::string(), std::string("\xff"), std::string("a\0b", 3), std::string(5000, 'x')})
    CHECK_THROWS_AS(save(folder / "layer.safetensors", layer, {.names = [&](const std::string&) { return name; }}),
                    Error);
}

}  // namespace save_test
