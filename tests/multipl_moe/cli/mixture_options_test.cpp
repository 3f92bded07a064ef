#include "multipl_moe/cli/mixture_options.hpp"

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/tokenizer/byte_tokenizer.hpp"
#include "program.hpp"
#include "support/catch.hpp"

namespace mixture_options_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The mixture and its start that `words` select for a dense model with 344 inner channels.
std::pair<MoeConfig, moe::Upcycling> parsed(std::vector<std::string> words) {
  CLI::App command;
  MixtureOptions mixture;
  StartOptions start;
  mixture.add_to(command);
  start.add_to(command);
  std::reverse(words.begin(), words.end());
  command.parse(words);
  const MoeConfig moe = mixture.mixture(344, *byte_tokenizer());
  return {moe, start.start(moe)};
}

/// A value of the setting that is not the default of any architecture.
std::string other_value(const MixtureSetting& setting) {
  const std::map<std::string_view, std::string> words{{"--router", "top-k"},      {"--segmenter", "boundary-window"},
                                                      {"--fusion", "scalar"},     {"--balance", "routed"},
                                                      {"--random-choice", "off"}, {"--languages", "go"}};
  if (const auto found = words.find(setting.flag); found != words.end()) return found->second;
  return std::holds_alternative<double MoeConfig::*>(setting.field) ? "0.625" : "5";
}

}  // namespace

TEST_CASE("an option takes effect in its architecture and is rejected by name in any other", "[cli]") {
  int taken = 0, refused = 0;
  for (const std::string& name : mixture_names())
    for (const MixtureSetting* each : mixture_settings()) {
      const MixtureSetting& setting = *each;
      const bool is_own = architecture_named(name).has(setting);
      if (setting.flag.empty()) continue;
      INFO(name << " " << setting.flag);
      std::vector<std::string> words{"--arch", name, std::string(setting.flag)};
      if (!std::holds_alternative<bool MoeConfig::*>(setting.field)) words.push_back(other_value(setting));
      if (setting.need && is_own && setting.need->value != "shared-top-k")
        words.insert(words.end(), {std::string(setting.need->flag), std::string(setting.need->value)});
      if (is_own) {
        ++taken;
        const MoeConfig moe = parsed(words).first;
        CHECK(applies(setting, moe));
        CHECK((moe != mixture_named(name, 344) || setting.flag == "--balance"));
      } else {
        ++refused;
        CHECK_THROWS_WITH(parsed(words), ContainsSubstring("[" + std::string(setting.flag) + "]") &&
                                             ContainsSubstring("found --arch " + name));
      }
    }
  CHECK(taken == 86);
  CHECK(taken + refused == 260);
}

TEST_CASE("an option that has no effect because of another option is rejected", "[cli]") {
  CHECK_THROWS_WITH(parsed({"--boundary-token", "3"}),
                    ContainsSubstring("[--boundary-token]") && ContainsSubstring("--segmenter boundary-window"));
  CHECK_THROWS_WITH(parsed({"--minimum-window", "3", "--segmenter", "fixed-window"}),
                    ContainsSubstring("[--minimum-window]"));
  CHECK_THROWS_WITH(parsed({"--shared-expert", "1", "--router", "top-k"}), ContainsSubstring("[--shared-expert]"));
  CHECK_THROWS_WITH(parsed({"--balance", "all", "--router", "top-k"}), ContainsSubstring("[--balance]"));
  for (const std::string arch : {"lora", "mole"})
    for (const std::string flag : {"--noise", "--reinitialize", "--router-deviation"})
      CHECK_THROWS_WITH(parsed({"--arch", arch, flag, "0"}),
                        ContainsSubstring("[" + flag + "]") && ContainsSubstring("found --arch " + arch));
  const auto [moe, start] = parsed({"--segmenter", "boundary-window", "--noise", "0.5", "--seed", "3"});
  CHECK(moe.segment_boundary_token == 10);
  CHECK(start.noise_deviation == 0.5);
  CHECK(start.router_deviation == 0.02);
  CHECK(start.seed == 3);
}

TEST_CASE("spellings of version 0.1 are read, and today's are written", "[cli]") {
  CHECK(parsed({"--arch", "multipl-moe", "--fusion", "normalised"}).first.fusion == "normalized");
  const ScratchFolder scratch;
  put_bytes(scratch / "c.toml", "[upcycle]\nreinitialise = 0.25\nfusion = \"normalised\"\n");
  put_bytes(scratch / "other.toml", "[upcycle]\nreinitialise = 0.75\n");
  for (const auto& [words, before] : std::vector<std::pair<std::string, std::string>>{
           {"--reinitialise 0.25 --fusion normalised", ""},
           {"--config c.toml", ""},
           {"--fusion normalised", "MOE_REINITIALISE=0.25"},
           // Whatever the spelling, a flag precedes the environment, and the environment the file.
           {"--fusion normalised --reinitialize 0.25 --config other.toml", "MOE_REINITIALISE=0.5"},
           {"--fusion normalised --reinitialise=0.25 --config other.toml", "MOE_REINITIALIZE=0.5"},
           {"--fusion normalised --config other.toml", "MOE_REINITIALISE=0.25"},
           {"--fusion normalised --config other.toml", "MOE_REINITIALISE=0.5 MOE_REINITIALIZE=0.25"}}) {
    const Outcome printed = run(scratch, "upcycle --model m -o x --print-config " + words, before);
    INFO(words << printed.error);
    CHECK(printed.exit_code == 0);
    CHECK_THAT(printed.out, ContainsSubstring("reinitialize = 0.25") && !ContainsSubstring("reinitialise") &&
                                ContainsSubstring("fusion = \"normalized\"") && !ContainsSubstring("normalised"));
  }
  CHECK(run(scratch, "upcycle --model m -o x --reinitialise 2").exit_code == 2);
  CHECK(run(scratch, "upcycle --model m -o x --reinitialise 0.25 --reinitialize 0.5").exit_code == 2);
  CHECK(run(scratch, "pretrain --reinitialise 0.25").exit_code == 2);
  CHECK_THAT(run(scratch, "upcycle --help").out, !ContainsSubstring("reinitialise"));
}

TEST_CASE("a flag, file or variable that sets an option of another architecture is rejected at once", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "make-checkpoint --size tiny -q -o m").exit_code == 0);
  put_bytes(scratch / "c.toml", "[upcycle]\narch = \"mixtral\"\nsegment-window = 8\n");
  for (const auto& [words, before] :
       std::vector<std::pair<std::string, std::string>>{{"--arch mixtral --segment-window 8", ""},
                                                        {"--config c.toml", ""},
                                                        {"--arch mixtral", "MOE_SEGMENT_WINDOW=8"}}) {
    const Outcome outcome = run(scratch, "upcycle --model m -o x " + words, before);
    INFO(words << outcome.error);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring("[--segment-window]") && ContainsSubstring("--arch mixtral"));
    CHECK_FALSE(std::filesystem::exists(scratch / "x"));
  }
  REQUIRE(run(scratch, "upcycle --model m -o x --arch mixtral -q").exit_code == 0);
  const auto moe = nlohmann::json::parse(get_bytes(scratch / "x/config.json"))["moe"];
  CHECK_FALSE(moe.contains("segment_window"));
  CHECK_FALSE(moe.contains("router"));
  const Outcome range = run(scratch, "upcycle --model m -o y --experts-per-token 9");
  CHECK(range.exit_code == 2);
  CHECK_THAT(range.error, ContainsSubstring("--experts-per-token must be 1 to 6, found 9"));
}

TEST_CASE("a global balance is stored, shown, and refused where there is no balance loss", "[cli]") {
  const ScratchFolder scratch;
  REQUIRE(run(scratch, "make-checkpoint --size tiny -q -o m").exit_code == 0);
  const auto stored = [&](const char* name) {
    return nlohmann::json::parse(get_bytes(scratch / name / "config.json"))["moe"];
  };
  const auto is_global = [&](const std::string& name) {
    return nlohmann::json::parse(run(scratch, "info --json --model " + name).out)["global_balance"].get<bool>();
  };
  put_bytes(scratch / "c.toml", "[upcycle]\nglobal-balance = true\n");
  for (const auto& [name, words] : std::vector<std::pair<std::string, std::string>>{{"by_flag", "--global-balance"},
                                                                                    {"by_file", "--config c.toml"}}) {
    REQUIRE(run(scratch, "upcycle --model m -q --arch mixtral -o " + name + " " + words).exit_code == 0);
    CHECK(stored(name.c_str())["global_balance"] == true);
    CHECK(is_global(name));
    CHECK_THAT(run(scratch, "info --model " + name).out, ContainsSubstring("(--global-balance)"));
  }
  REQUIRE(run(scratch, "upcycle --model m -q --arch mixtral -o local").exit_code == 0);
  CHECK_FALSE(stored("local").contains("global_balance"));
  CHECK_FALSE(is_global("local"));
  CHECK_THAT(run(scratch, "info --model local").out, !ContainsSubstring("--global-balance"));
  for (const std::string name : {"lora", "mole"}) {
    const Outcome outcome = run(scratch, "upcycle --model m -o x --global-balance --arch " + name);
    CHECK(outcome.exit_code == 2);
    CHECK_THAT(outcome.error, ContainsSubstring("[--global-balance] is a setting of --arch multipl-moe,") &&
                                  ContainsSubstring("found --arch " + name));
    const std::string words = "upcycle --model m -q -o printed_" + name + " --arch " + name;
    put_bytes(scratch / "printed.toml", run(scratch, words + " --print-config").out);
    CHECK(run(scratch, "upcycle --config printed.toml").exit_code == 0);
  }
}

TEST_CASE("a mixture in --config-json keeps its architecture and sizes", "[cli]") {
  const ScratchFolder scratch;
  put_bytes(scratch / "mixtral.json",
            R"({"model_type": "multipl_moe", "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 1,
                "num_attention_heads": 2, "num_key_value_heads": 2, "vocab_size": 257,
                "moe": {"architecture": "mixtral", "num_token_experts": 3}})");
  const std::string words = "make-checkpoint --config-json mixtral.json -q -o ";
  const auto experts_of = [&](const char* name) {
    return nlohmann::json::parse(get_bytes(scratch / name / "config.json"))["moe"]["num_token_experts"];
  };
  REQUIRE(run(scratch, words + "a").exit_code == 0);
  CHECK(experts_of("a") == 3);
  REQUIRE(run(scratch, words + "b --arch mixtral").exit_code == 0);
  CHECK(experts_of("b") == 3);
  for (const char* arch : {"dense", "gshard"}) {
    const Outcome other = run(scratch, words + "c --arch " + arch);
    CHECK(other.exit_code == 2);
    CHECK_THAT(other.error, ContainsSubstring("[--arch]") && ContainsSubstring("mixtral"));
  }
}

}  // namespace mixture_options_test
