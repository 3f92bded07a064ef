/// The program with malicious files: a typed error that names the file, nothing written, and no more memory than a
/// valid file of that size would take.
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <functional>
#include <map>

#include "measured.hpp"
#include "program.hpp"
#include "safetensors/bad_safetensors.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace bad_files_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using namespace moe::testing;
namespace fs = std::filesystem;

namespace {

/// Largest resident memory of a run that rejects a file.
constexpr long most_kilobytes = 64 * 1024;

/// Every path below a folder with its size and modification time.
std::map<std::string, std::pair<std::uintmax_t, fs::file_time_type>> listing(const ScratchFolder& scratch) {
  std::map<std::string, std::pair<std::uintmax_t, fs::file_time_type>> found;
  for (const auto& entry : fs::recursive_directory_iterator(scratch.path()))
    if (!entry.is_symlink())
      found[entry.path().native()] = {entry.is_regular_file() ? entry.file_size() : 0, entry.last_write_time()};
  return found;
}

/// Checks that a run rejects a file. `file` and `rule` are parts of the message.
void check_refused(const ScratchFolder& scratch, const std::vector<std::string>& words, const std::string& file,
                   const std::string& rule) {
  const auto before = listing(scratch);
  const Measured run = measured(scratch, words);
  INFO(run.outcome.error.substr(0, 400));
  CHECK(run.outcome.exit_code == 3);
  CHECK(run.outcome.out.empty());
  CHECK_THAT(run.outcome.error, ContainsSubstring("error: [" + file) && ContainsSubstring(rule));
  CHECK(std::count(run.outcome.error.begin(), run.outcome.error.end(), '\n') == 1);
  CHECK(listing(scratch) == before);
  if (!is_slow_build) CHECK(run.kilobytes < most_kilobytes);
}

const std::vector<std::string> upcycle{"upcycle", "--model", "m", "--arch", "mixtral", "-o", "out"};

std::string config_with(const std::string& name, const std::string& value) {
  std::string text = "{\"" + name + "\":" + value;
  for (const auto& [other, size] : std::map<std::string, std::string>{{"hidden_size", "16"},
                                                                      {"intermediate_size", "24"},
                                                                      {"num_hidden_layers", "2"},
                                                                      {"num_attention_heads", "2"},
                                                                      {"num_key_value_heads", "2"},
                                                                      {"vocab_size", "257"}})
    if (other != name) text += ",\"" + other + "\":" + size;
  return text + "}";
}

/// Creates a folder "m" with the configuration of a tiny model; the test adds the weights.
void put_config(const ScratchFolder& scratch) {
  put_bytes(scratch / "m/config.json", config_with("use_cache", "true"));
}

/// Creates a trained model "m" and its training data "data".
void make_model(const ScratchFolder& scratch) {
  put_tiny_config(scratch);
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
  REQUIRE(
      run(scratch,
          "pretrain --data data --config-json tiny.json --batch-size 1 --sequence-length 16 --steps 2 --threads 1 -q "
          "-o run && mv run/checkpoints/step-000002 m")
          .exit_code == 0);
}

}  // namespace

TEST_CASE("malicious weights end the program with 3 and use little memory", "[cli]") {
  const ScratchFolder scratch;
  put_config(scratch);
  std::vector<BadSafetensors> files = all_bad_safetensors();
  // Only large files need memory; the others differ only for the reader, whose own tests cover each of them.
  if (is_slow_build) files.resize(12);
  CHECK((is_slow_build || files.size() >= 100));
  for (BadSafetensors& bad : files) {
    put_bytes(scratch / "m/model.safetensors", bad.bytes);
    INFO(bad.rule);
    // A forked process would count this memory as its own.
    std::string().swap(bad.bytes);
    check_refused(scratch, upcycle, "m/model.safetensors", bad.rule);
  }
}

TEST_CASE("malicious configurations end the program with 3 and use little memory", "[cli]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "m/model.safetensors", sized(2, "{}"));
  const std::string good = config_with("use_cache", "true");
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, std::string>> configs{
      {"", "must be JSON"},
      {good.substr(0, good.size() - 1), "must be JSON"},
      {good + "x", "must be JSON"},
      {"\xef\xbb\xbf\xef\xbb\xbf" + good, "must be JSON"},
      {good + "\0"s, "found a NUL"},
      {"{\"\xff\":1}", "must be JSON"},
      {"[]", "must be a JSON object"},
      {"{}", "hidden_size is missing"},
      {"{\"a\":1,\"a\":2}", "found 'a' twice"},
      {many("[", 500'000), "at most 64 deep"},
      {many("{\"a\":", 100'000), "at most 64 deep"},
      {"[" + many("[],", 300'000) + "0]", "must be a JSON object"},
      {good + std::string(std::size_t{1} << 20, ' '), "at most 1048576 bytes"},
      {config_with("hidden_size", "1e999"), "must be JSON"},
      {config_with("hidden_size", "18446744073709551616"), "an integer below 2^63"},
      {config_with("hidden_size", "16777216"), "hidden_size and the other sizes must give"},
      {config_with("num_hidden_layers", "2147483648"), "num_hidden_layers must be 1 to 10000"},
      {config_with("num_hidden_layers", "-1"), "num_hidden_layers must be 1 to 10000"},
      {config_with("num_attention_heads", "3"), "num_attention_heads must divide hidden_size"},
      {config_with("num_key_value_heads", "0"), "num_key_value_heads must be 1"},
      {config_with("moe", R"({"num_token_experts":65536,"num_segment_experts":65536})"), "at most 100000 experts"},
      {config_with("moe", R"({"architecture":"\u001b[31m"})"), "found '\\x1b[31m'"}};
  for (const auto& [text, rule] : configs) {
    put_bytes(scratch / "m/config.json", text);
    check_refused(scratch, upcycle, "m/config.json", rule);
    check_refused(scratch, {"info", "--model", "m"}, "m/config.json", rule);
  }
}

TEST_CASE("a configuration of a larger model than its weights uses no memory", "[cli]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "m/model.safetensors", sized(2, "{}"));
  for (const char* layers : {"1", "1000", "9000"}) {
    put_bytes(
        scratch / "m/config.json",
        "{\"hidden_size\":16384,\"intermediate_size\":16384,\"num_attention_heads\":16,\"num_key_value_heads\":16,"
        "\"vocab_size\":65536,\"num_hidden_layers\":" +
            std::string(layers) + "}");
    check_refused(scratch, {"generate", "--model", "m", "--prompt", "x"}, "m/model.safetensors", "must hold the ");
  }
}

TEST_CASE("an index that would use much memory or leads outside its folder ends the program with 3", "[cli]") {
  const ScratchFolder scratch;
  put_config(scratch);
  const auto indexed = [](std::size_t tensors, const auto& shard_of) {
    std::string text = "{\"weight_map\":{";
    for (std::size_t i = 0; i < tensors; ++i)
      text += (i > 0 ? ",\"" : "\"") + std::to_string(i) + "\":\"" + shard_of(i) + "\"";
    return text + "}}";
  };
  const auto one = [](std::size_t) { return std::string("a"); };
  using namespace std::string_literals;
  const std::vector<std::pair<std::string, std::string>> indexes{
      {indexed(300'001, one), "at most 300000 tensors"},
      {indexed(300'000, one), "cannot be opened"},
      {indexed(10'001, [](std::size_t i) { return std::to_string(i); }), "at most 10000 files"},
      {"{}" + std::string(std::size_t{16} << 20, ' '), "at most 16777216 bytes"},
      {indexed(1, [](std::size_t) { return "../m/config.json"s; }), "must be a plain file name"},
      {indexed(1, [](std::size_t) { return "/etc/passwd"s; }), "must be a plain file name"},
      {indexed(1, [](std::size_t) { return "a/b"s; }), "must be a plain file name"},
      {indexed(1, [](std::size_t) { return "a\\u0000b"s; }), "must be a plain file name"}};
  for (const auto& [text, rule] : indexes) {
    put_bytes(scratch / "m/model.safetensors.index.json", text);
    check_refused(scratch, upcycle, "m/", rule);
  }
}

TEST_CASE("weights that are not a regular file are rejected without blocking", "[cli]") {
  const ScratchFolder scratch;
  put_config(scratch);
  const fs::path weights = scratch / "m/model.safetensors";
  const std::vector<std::pair<std::function<void()>, std::string>> kinds{
      {[&] { REQUIRE(::mkfifo(weights.c_str(), 0600) == 0); }, "found a special file"},
      {[&] { fs::create_directory(weights); }, "found a folder"},
      {[&] { fs::create_symlink("/dev/zero", weights); }, "found a link to /dev/zero"},
      {[&] { fs::create_symlink("..", weights); }, "must lie in its folder"},
      {[&] { fs::create_symlink(".", weights); }, "found a folder"},
      {[&] { fs::create_symlink("nowhere", weights); }, "cannot be opened"},
      {[&] { fs::create_symlink("model.safetensors", weights); }, "cannot be opened"}};
  for (const auto& [make, rule] : kinds) {
    make();
    check_refused(scratch, upcycle, "m", rule);
    fs::remove_all(weights);
  }
  check_refused(scratch, upcycle, "m", "must hold model.safetensors or model.safetensors.index.json, found neither");
}

TEST_CASE("a model with inconsistent files is rejected, one with non-finite weights loads with a warning", "[cli]") {
  const ScratchFolder scratch;
  make_model(scratch);
  const std::vector<std::string> eval{"eval", "--model",           "m", "--data", "data", "--max-bytes",
                                      "300",  "--sequence-length", "64"};
  const std::string weights = get_bytes(scratch / "m/model.safetensors"), config = get_bytes(scratch / "m/config.json");
  REQUIRE(measured(scratch, eval).outcome.exit_code == 0);

  SECTION("truncated weights") {
    for (std::size_t i = 0; i < 20; ++i) {
      put_bytes(scratch / "m/model.safetensors", weights.substr(0, weights.size() * i / 20));
      check_refused(scratch, eval, "m/model.safetensors", "");
    }
  }
  SECTION("other shapes in config.json") {
    for (const auto& [from, to, rule] : std::vector<std::array<std::string, 3>>{
             {"\"hidden_size\": 16", "\"hidden_size\": 8", "must have the shape [257, 8]"},
             {"\"intermediate_size\": 24", "\"intermediate_size\": 25", "must have the shape [25, 16]"},
             {"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", "must hold the tensor 'model.layers.2."},
             {"\"num_hidden_layers\": 2", "\"num_hidden_layers\": 1",
              "has a tensor that the model of config.json does not have: model.layers.1."},
             {"\"num_key_value_heads\": 2", "\"num_key_value_heads\": 1", "must have the shape [8, 16]"},
             {"\"vocab_size\": 257", "\"vocab_size\": 258", "must have the shape [258, 16]"}}) {
      std::string changed = config;
      REQUIRE(changed.find(from) != std::string::npos);
      put_bytes(scratch / "m/config.json", changed.replace(changed.find(from), from.size(), to));
      check_refused(scratch, eval, "m/model.safetensors", rule);
    }
  }
  SECTION("a NaN") {
    const float nan = std::numeric_limits<float>::quiet_NaN();
    put_bytes(scratch / "m/model.safetensors", weights.substr(0, weights.size() - 4) + bytes_of(nan));
    const Measured run = measured(scratch, eval);
    CHECK(run.outcome.exit_code == 0);
    CHECK_THAT(run.outcome.error, ContainsSubstring("warning: model.norm.weight holds values that are not finite"));
  }
  SECTION("token files") {
    const fs::path tokens = scratch / "data/python.test.tokens";
    const std::string good = get_bytes(tokens);
    REQUIRE(good.size() > 56);
    for (const std::string& bad :
         {std::string(), good.substr(0, 55), good.substr(0, good.size() - 1), good + "x", std::string(100, '\xff'),
          good.substr(0, 40) + bytes_of(std::numeric_limits<std::uint64_t>::max()) + good.substr(48),
          good.substr(0, 32) + bytes_of(std::uint64_t{1} << 61) + good.substr(40)}) {
      put_bytes(tokens, bad);
      check_refused(scratch, eval, "data/python.test.tokens", "");
    }
  }
}

}  // namespace bad_files_test
