/// The command generate: several prompts, JSON lines, and rejected arguments.
#include <nlohmann/json.hpp>
#include <sstream>

#include "program.hpp"
#include "support/catch.hpp"

namespace cli_generate_test {

using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// A folder with a byte-level model that was trained for one step.
struct Workplace {
  ScratchFolder scratch;
  Workplace() {
    REQUIRE(run(scratch, "prepare '" MOE_TEST_CORPUS "' -o data").exit_code == 0);
    put_tiny_config(scratch);
    REQUIRE(run(scratch,
                "pretrain --data data --config-json tiny.json --steps 1 --batch-size 2 --sequence-length 32 "
                "--threads 1 -q -o model")
                .exit_code == 0);
  }
  Outcome generate(const std::string& words) const {
    return run(scratch, "generate --model model --max-new-tokens 9 " + words);
  }
};

std::vector<nlohmann::json> lines_of(const std::string& text) {
  std::vector<nlohmann::json> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) lines.push_back(nlohmann::json::parse(line));
  return lines;
}

}  // namespace

TEST_CASE("several prompts give one JSON line each, in their order, for any batch size", "[cli][generate]") {
  const Workplace place;
  put_bytes(place.scratch / "prompts.jsonl", "\"def \\u00e9\"\n\n{\"id\": 3, \"prompt\": \"fn\"}\r\n");
  const std::string words = "--prompt 'a b' --prompt '' --prompts-file prompts.jsonl --json --seed 5";
  const Outcome all = place.generate(words);
  REQUIRE(all.exit_code == 0);
  CHECK_THAT(all.error, ContainsSubstring("tok/s"));
  CHECK((all.out + all.error).find('\x1b') == std::string::npos);
  const auto lines = lines_of(all.out);
  REQUIRE(lines.size() == 4);
  const std::vector<std::string> prompts{"a b", "", "def é", "fn"};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(lines[i]["prompt"] == prompts[i]);
    CHECK(lines[i]["text"].is_string());
    CHECK(lines[i]["tokens"].get<int>() <= 9);
    const std::string reason = lines[i]["finish_reason"];
    CHECK((reason == "length" || reason == "end_of_text"));
  }
  CHECK(place.generate(words + " --batch-size 1 -q --threads 1").out == all.out);
  CHECK(place.generate(words + " --weights float32 -q").out == all.out);
  CHECK(place.generate(words + " -q").error.empty());
  CHECK(place.generate(words + " --seed 6").out != all.out);
}

TEST_CASE("weights in 8 bits decode a text of their own, the same for any batch size", "[cli][generate]") {
  const Workplace place;
  const auto generate = [&](const std::string& words) {
    return run(place.scratch,
               "generate --model model --prompt ab --prompt cde --json --temperature 2 -q "
               "--max-new-tokens 60 --weights " +
                   words);
  };
  const Outcome all = generate("int8");
  REQUIRE(all.exit_code == 0);
  CHECK(generate("int8 --batch-size 1 --threads 1").out == all.out);
  CHECK(generate("float32").out != all.out);
}

TEST_CASE("copies for decoding are refused where a model is not decoded token by token", "[cli][generate]") {
  const Workplace place;
  REQUIRE(run(place.scratch, "upcycle --model model --arch multipl-moe -o ahead -q").exit_code == 0);
  for (const char* const weights : {"bfloat16", "int8"}) {
    const Outcome outcome =
        run(place.scratch, "generate --model ahead --prompt a --max-new-tokens 1 --weights " + std::string(weights));
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error,
               ContainsSubstring("--weights " + std::string(weights)) && ContainsSubstring("use --weights float32"));
  }
}

TEST_CASE("one prompt streams its text, several print blocks, and both equal the JSON texts", "[cli][generate]") {
  const Workplace place;
  const auto texts = lines_of(place.generate("--prompt ab --prompt cd --json").out);
  REQUIRE(texts.size() == 2);
  CHECK(place.generate("--prompt ab").out == texts[0]["text"].get<std::string>() + "\n");
  CHECK(place.generate("--prompt - < tiny.json").exit_code == 0);
  const auto block = [&](int i) {
    const auto& line = texts[static_cast<std::size_t>(i)];
    return "--- prompt " + std::to_string(i + 1) + ", " + line["tokens"].dump() + " tokens, " +
           line["finish_reason"].get<std::string>() + "\n" + line["text"].get<std::string>() + "\n";
  };
  CHECK(place.generate("--prompt ab --prompt cd").out == block(0) + block(1));
}

TEST_CASE("a stop text has the same effect on streamed text and on JSON lines", "[cli][generate]") {
  const Workplace place;
  const std::string whole = place.generate("--prompt ab --temperature 0").out;
  // An ASCII byte that the model generates.
  const auto at = std::find_if(whole.begin(), whole.end() - 1, [](char c) { return c > ' ' && c < 0x7f && c != '\''; });
  if (at == whole.end() - 1) return;
  const std::string stop = "--temperature 0 --prompt ab --stop '" + std::string(1, *at) + "'";
  CHECK(place.generate(stop).out == std::string(whole.begin(), at) + "\n");
  const auto line = lines_of(place.generate(stop + " --json").out)[0];
  CHECK(line["text"] == std::string(whole.begin(), at));
  CHECK(line["finish_reason"] == "stop");
}

TEST_CASE("wrong arguments of generate exit with 2, a bad file of prompts with 3", "[cli][generate]") {
  const Workplace place;
  for (const char* words :
       {"", "--prompt a --top-k -1", "--prompt a --top-p 0", "--prompt a --repetition-penalty 0",
        "--prompt a --weights int4", "--prompt a --batch-size 0", "--prompt - --prompt -",
        "--prompt a --temperature -1", "--prompt a --stop ''", "--prompt a --max-new-tokens 100000"}) {
    const Outcome outcome = place.generate(words);
    INFO(words << ": " << outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK_THAT(outcome.error, ContainsSubstring("error: "));
  }
  put_bytes(place.scratch / "number.jsonl", "\"x\"\n{\"prompt\": 3}\n");
  put_bytes(place.scratch / "open.jsonl", "\"x\"\n\"y\n");
  put_bytes(place.scratch / "empty.jsonl", "\n");
  CHECK_THAT(place.generate("--prompts-file number.jsonl").error, ContainsSubstring("[number.jsonl, byte 4]"));
  CHECK(place.generate("--prompts-file number.jsonl").exit_code == 3);
  CHECK(place.generate("--prompts-file open.jsonl").exit_code == 3);
  CHECK(place.generate("--prompts-file missing.jsonl").exit_code == 3);
  CHECK(place.generate("--prompts-file empty.jsonl").exit_code == 2);
}

TEST_CASE("generation_config.json sets what no flag sets, and a note lists the settings that are ignored",
          "[cli][generate]") {
  const Workplace place;
  std::string model = get_bytes(place.scratch / "model/checkpoints/LATEST");
  while (model.ends_with('\n')) model.pop_back();
  std::filesystem::copy(place.scratch / ("model/checkpoints/" + model), place.scratch / "m");
  std::filesystem::remove(place.scratch / "m/MANIFEST");
  const auto generate = [&](const char* config, const std::string& words) {
    put_bytes(place.scratch / "m/generation_config.json", config);
    return run(place.scratch, "generate --model m --prompt a --json " + words);
  };
  const Outcome few = generate(R"({"max_new_tokens": 3, "eos_token_id": 256})", "--seed 1 --suppress-tokens 256 -q");
  REQUIRE(few.exit_code == 0);
  CHECK(lines_of(few.out)[0]["tokens"] == 3);
  CHECK(few.error.empty());
  CHECK(lines_of(
            generate(R"({"max_new_tokens": 3})", "--max-new-tokens 5 --suppress-tokens 256 -q").out)[0]["tokens"] == 5);
  const Outcome greedy = generate(R"({"do_sample": false, "top_p": 0.0, "max_new_tokens": 2})", "-q");
  CHECK(greedy.exit_code == 0);
  const Outcome beams = generate(R"({"num_beams": 4, "min_p": 0.1, "max_new_tokens": 2})", "-q");
  CHECK(beams.exit_code == 0);
  CHECK_THAT(beams.error, ContainsSubstring("are ignored: min_p, num_beams"));
  const Outcome beyond = generate(R"({"eos_token_id": 257})", "-q");
  CHECK(beyond.exit_code == 3);
  CHECK_THAT(beyond.error, ContainsSubstring("eos_token_id must be below config.json's vocab_size, 257, found 257"));
}

}  // namespace cli_generate_test
