/// Model files of users on the command line: links, tied weights, lengths, notices.
#include <cstring>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/stored_model.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace model_files_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
namespace fs = std::filesystem;

namespace {

void put_config(const ScratchFolder& scratch, const char* name, const nlohmann::json& more) {
  nlohmann::json config{{"model_type", "qwen2"},    {"hidden_size", 16},
                        {"intermediate_size", 24},  {"num_hidden_layers", 2},
                        {"num_attention_heads", 2}, {"num_key_value_heads", 2},
                        {"vocab_size", 257},        {"max_position_embeddings", 48}};
  config.update(more);
  put_bytes(scratch / name, config.dump());
}

void prepare_data(const ScratchFolder& scratch) {
  REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
}

}  // namespace

TEST_CASE("with --allow-links every command that reads a model follows links out of its folder", "[cli][files]") {
  const ScratchFolder scratch;
  put_config(scratch, "c.json", nlohmann::json::object());
  prepare_data(scratch);
  REQUIRE(run(scratch, "make-checkpoint --config-json c.json --dtype float32 -o base").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model base --arch lora -o lora").exit_code == 0);
  REQUIRE(run(scratch, "upcycle --model base --arch mixtral -o mixture").exit_code == 0);
  for (const char* model : {"base", "lora", "mixture"}) {
    const fs::path disk = scratch / "disk" / model, linked = scratch / (std::string("linked-") + model);
    fs::create_directories(disk);
    fs::create_directory(linked);
    for (const auto& file : fs::directory_iterator(scratch / model)) {
      fs::rename(file.path(), disk / file.path().filename());
      fs::create_symlink(disk / file.path().filename(), linked / file.path().filename());
    }
  }
  const std::string held_out = " --data data --max-bytes 200 --batch-size 1 --sequence-length 16";
  const std::string training = " --data data --batch-size 1 --sequence-length 16 --steps 1 -q -o ";
  for (const std::string& words :
       {std::string("info --model linked-base"), "eval --model linked-base" + held_out,
        std::string(
            "trace --model linked-mixture --data data --tokens 32 --batch-size 1 --sequence-length 16 -o traced"),
        std::string("generate --model linked-base --prompt a --max-new-tokens 1"),
        std::string("upcycle --model linked-base --arch mixtral -o mixtral"),
        std::string("export --model linked-base -o e"), std::string("merge --model linked-lora -o merged"),
        "train --model linked-base" + training + "trained",
        "pretrain --config-json c.json --tokenizer linked-base" + training + "pretrained",
        std::string("make-checkpoint --config-json c.json --tokenizer linked-base -o made")}) {
    INFO(words);
    const Outcome refused = run(scratch, words);
    // The folder of a byte-level model has no tokenizer file that could be a link.
    const bool reads_links = words.find("--tokenizer") == std::string::npos;
    CHECK(refused.exit_code == (reads_links ? 3 : 0));
    if (reads_links) CHECK_THAT(refused.error, ContainsSubstring("--allow-links follows it"));
    if (!reads_links) continue;
    const Outcome followed = run(scratch, words + " --allow-links");
    INFO(followed.error);
    CHECK(followed.exit_code == 0);
  }
  // A tokenizer that is linked.
  REQUIRE(run(scratch, "tokenizer train '" MOE_TEST_CORPUS "' -o pieces --vocab-size 300").exit_code == 0);
  fs::create_directory(scratch / "linked-pieces");
  fs::create_symlink(scratch / "pieces/tokenizer.json", scratch / "linked-pieces/tokenizer.json");
  for (const std::string words : {"prepare '" MOE_TEST_CORPUS "' --tokenizer linked-pieces -o other",
                                  "tokenizer encode --model linked-pieces </dev/null",
                                  "make-checkpoint --size tiny --tokenizer linked-pieces -o small"}) {
    INFO(words);
    CHECK_THAT(run(scratch, words).error, ContainsSubstring("--allow-links follows it"));
    const std::size_t space = words.find(' ');
    const std::size_t at = words.starts_with("tokenizer") ? words.find(" --model") : space;
    CHECK(run(scratch, words.substr(0, at) + " --allow-links" + words.substr(at)).exit_code == 0);
  }
}

TEST_CASE("tied embeddings stay tied from command to command, and a flag unties them", "[cli][files]") {
  const ScratchFolder scratch;
  put_config(scratch, "tied.json", {{"tie_word_embeddings", true}});
  prepare_data(scratch);
  const std::string training = " --data data --batch-size 2 --sequence-length 16 --steps 2 --threads 1 -q -o ";
  REQUIRE(run(scratch, "pretrain --config-json tied.json" + training + "run").exit_code == 0);
  const auto is_tied = [&](const std::string& folder) {
    const Outcome outcome = run(scratch, "info --json --model " + folder);
    INFO(outcome.error);
    REQUIRE(outcome.exit_code == 0);
    const auto json = nlohmann::json::parse(outcome.out);
    CHECK(json["parameters"]["embedding_and_head"] == (json["tie_word_embeddings"] ? 1 : 2) * 257 * 16);
    return json["tie_word_embeddings"].get<bool>();
  };
  CHECK(is_tied("run"));
  REQUIRE(run(scratch, "upcycle --model run --arch mixtral -o mixtral").exit_code == 0);
  CHECK(is_tied("mixtral"));
  REQUIRE(run(scratch, "export --model mixtral -o exported").exit_code == 0);
  CHECK(is_tied("exported"));
  REQUIRE(run(scratch, "train --model mixtral" + training + "trained").exit_code == 0);
  CHECK(is_tied("trained"));
  const Outcome plan = run(scratch, "train --model mixtral --dry-run --json" + training + "x");
  const Outcome apart = run(scratch, "train --model mixtral --untie-embeddings --dry-run --json" + training + "x");
  REQUIRE(plan.exit_code == 0);
  const auto total = [](const Outcome& o) { return nlohmann::json::parse(o.out)["parameters"]["total"].get<int>(); };
  CHECK(total(apart) == total(plan) + 257 * 16);
  REQUIRE(run(scratch, "train --model mixtral --untie-embeddings" + training + "untied").exit_code == 0);
  CHECK_FALSE(is_tied("untied"));
}

TEST_CASE("values outside the range of float16 end export and upcycle with 2 and leave no files", "[cli][files]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "make-checkpoint --size tiny --dtype float32 -o m").exit_code == 0);
  fs::remove(scratch / "m/MANIFEST");
  const auto entry = SafetensorsFile::open(scratch / "m/model.safetensors").entry("model.norm.weight");
  std::string bytes = get_bytes(scratch / "m/model.safetensors");
  std::uint64_t header = 0;
  std::memcpy(&header, bytes.data(), sizeof header);
  const float large = 1e5f;
  std::memcpy(bytes.data() + 8 + header + entry.begin + 2 * sizeof large, &large, sizeof large);
  put_bytes(scratch / "m/model.safetensors", bytes);
  for (const std::string words :
       {"export --model m --dtype float16 -o out", "upcycle --model m --dtype float16 -o out"}) {
    const Outcome outcome = run(scratch, words);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error,
               ContainsSubstring("'model.norm.weight' must have values of at most 65504 to be written as "
                                 "float16, found 100000 at [2]"));
    for (const auto& left : fs::directory_iterator(scratch.path()))
      CHECK((left.path().filename() == "m" || left.path().filename() == "stderr.txt"));
  }
  CHECK(run(scratch, "export --model m -o out").exit_code == 0);
}

TEST_CASE("every command rejects sequences longer than max_position_embeddings", "[cli][files]") {
  const ScratchFolder scratch;
  put_config(scratch, "c.json", nlohmann::json::object());
  prepare_data(scratch);
  REQUIRE(run(scratch, "make-checkpoint --config-json c.json -o m").exit_code == 0);
  const std::string end = " --data data --batch-size 1 --sequence-length ";
  for (const std::string& words :
       {"pretrain --config-json c.json --steps 1 -q -o run" + end, "train --model m --steps 1 -q -o run" + end,
        "train --model m --steps 1 --dry-run -o run" + end, "eval --model m --max-bytes 100" + end,
        "trace --model m --tokens 48 -o out" + end}) {
    INFO(words);
    const Outcome outcome = run(scratch, words + "49");
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error,
               ContainsSubstring("--sequence-length must be at most the model's max_position_embeddings, "
                                 "48, found 49"));
    CHECK_FALSE(fs::exists(scratch / "run"));
  }
  CHECK(run(scratch, "eval --model m --max-bytes 100" + end + "48").exit_code == 0);
}

TEST_CASE("a note states that top-1 with normalized gates leaves the router without a gradient", "[cli][files]") {
  const ScratchFolder scratch;
  put_config(scratch, "c.json", nlohmann::json::object());
  prepare_data(scratch);
  REQUIRE(run(scratch, "make-checkpoint --config-json c.json -o m").exit_code == 0);
  const auto note = ContainsSubstring("note: each token is routed to one expert, with a gate that is always 1");
  CHECK_THAT(run(scratch, "upcycle --model m --arch mixtral --experts-per-token 1 -o one").error, note);
  CHECK_THAT(run(scratch, "upcycle --model m --arch mixtral -o two").error, !ContainsSubstring("always 1"));
  CHECK_THAT(run(scratch, "upcycle --model m --arch qwen1.5-moe --experts-per-token 1 -o q").error,
             !ContainsSubstring("always 1"));
  const std::string training = " --data data --batch-size 1 --sequence-length 16 --steps 1 -q -o ";
  CHECK_THAT(run(scratch, "train --model one" + training + "a").error, note);
  CHECK_THAT(run(scratch, "train --model two" + training + "b").error, !ContainsSubstring("always 1"));
}

TEST_CASE("a tensor that the index does not list loads, with a note", "[cli][files]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "make-checkpoint --size tiny --max-shard-size 200kB -o m").exit_code == 0);
  fs::remove(scratch / "m/MANIFEST");
  const fs::path path = scratch / "m/model.safetensors.index.json";
  auto index = nlohmann::json::parse(get_bytes(path));
  REQUIRE(index["weight_map"].erase("model.norm.weight") == 1);
  put_bytes(path, index.dump());
  const Outcome outcome = run(scratch, "generate --model m --prompt a --max-new-tokens 1 -q");
  CHECK(outcome.exit_code == 0);
  CHECK_THAT(outcome.error, ContainsSubstring("note: ") && ContainsSubstring("'model.norm.weight' is in model-0") &&
                                ContainsSubstring("the index does not list it"));
}

}  // namespace model_files_test
