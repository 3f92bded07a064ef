#include "multipl_moe/reproduce/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/reproduce/claims.hpp"
#include "multipl_moe/reproduce/data_files.hpp"
#include "multipl_moe/reproduce/schedule.hpp"
#include "multipl_moe/reproduce/systems.hpp"
#include "support/catch.hpp"

namespace plan_test {

using namespace multipl_moe;
using namespace multipl_moe::reproduce;
using Catch::Matchers::ContainsSubstring;

namespace {

/// The systems that a plan trains.
std::set<std::string> systems_of(const Plan& plan) {
  std::set<std::string> names;
  for (const Stage& stage : plan.stages)
    if (stage.words.front() == "train") {
      const std::string path = stage.id.substr(0, stage.id.rfind('/'));
      names.insert(path.substr(path.rfind('/') + 1));
    }
  return names;
}

std::int64_t count_of(const Plan& plan, const std::string& command) {
  return std::count_if(plan.stages.begin(), plan.stages.end(),
                       [&](const Stage& stage) { return stage.words.front() == command; });
}

/// The number of stages that end so.
std::int64_t steps_named(const Plan& plan, const std::string& step) {
  return std::count_if(plan.stages.begin(), plan.stages.end(),
                       [&](const Stage& stage) { return stage.id.ends_with("/" + step); });
}

const Stage& stage_named(const Plan& plan, const std::string& id) {
  const auto found =
      std::find_if(plan.stages.begin(), plan.stages.end(), [&](const Stage& stage) { return stage.id == id; });
  INFO(id);
  REQUIRE(found != plan.stages.end());
  return *found;
}

/// The value after a flag; empty if the command does not have it.
std::string value_of(const Stage& stage, const std::string& flag) {
  const auto found = std::find(stage.words.begin(), stage.words.end(), flag);
  return found == stage.words.end() ? "" : *(found + 1);
}

}  // namespace

TEST_CASE("every stage comes after those that it needs, and has an output of its own", "[reproduce][plan]") {
  for (const std::string& scale : scale_names())
    for (const bool has_corpus : {false, true}) {
      if (has_corpus && scale == "smoke") continue;
      const Plan plan =
          plan_of({.scale = scale, .corpus = has_corpus ? std::vector<std::string>{"/c"} : std::vector<std::string>{}});
      std::set<std::string> ids, outputs;
      for (const Stage& stage : plan.stages) {
        CAPTURE(stage.id);
        for (const std::string& need : stage.needs) CHECK(ids.contains(need));
        CHECK(ids.insert(stage.id).second);
        CHECK(outputs.insert(stage.output).second);
        CHECK((stage.prints || value_of(stage, "-o") == stage.output || value_of(stage, "--html") == stage.output));
        CHECK(stage.seconds > 0);
        CHECK(stage.bytes > 0);
        // The model that a command reads is made by a stage that it needs, or given.
        const std::string model = value_of(stage, "--model");
        if (!model.empty() && scale != "paper")
          CHECK(std::any_of(stage.needs.begin(), stage.needs.end(), [&](const auto& need) { return need == model; }));
      }
    }
}

TEST_CASE("the small scale has every system of the paper, its ablations, ratios and controls", "[reproduce][plan]") {
  const Plan plan = plan_of({.scale = "small"});
  const auto of_main_base = [](const System& system) { return !is_model_apart(system.name); };
  const auto main = std::count_if(systems().begin(), systems().end(), of_main_base);
  const auto trained = std::count_if(systems().begin(), systems().end(),
                                     [&](const System& system) { return of_main_base(system) && system.steps > 0; });
  CHECK(trained == main - 2);
  CHECK(plan.seeds.size() == 3);
  CHECK(std::ssize(systems_of(plan)) == trained);
  // A base, and two systems that are trained on random letters.
  CHECK(count_of(plan, "pretrain") == 2 * 3);
  CHECK(count_of(plan, "train") == 3 * (trained + 2));
  CHECK(count_of(plan, "evaluate") == 3 * (main + 1));
  // Tables of MultiPL-MoE, and a page of every system whose routing depends on the text: not of the dense ones, LoRA
  // and MoLE.
  CHECK(steps_named(plan, "routing") == 3);
  CHECK(steps_named(plan, "page") == 3 * (main - 6));
  CHECK(count_of(plan, "eval") == 0);
  // Every system that a claim is about is trained.
  for (const Claim& claim : parse_claims(claims_text, "claims.toml")) {
    std::vector<std::string> named = claim.b;
    named.push_back(claim.a);
    if (!claim.text_a.empty()) named.push_back(claim.text_a);
    for (const std::string& name : named) {
      CAPTURE(claim.id, name);
      CHECK((name == "base" || systems_of(plan).contains(name)));
    }
  }
}

TEST_CASE("real code is a second track, for systems whose bits per byte are a score", "[reproduce][plan]") {
  const Plan plan = plan_of({.scale = "small", .seeds = 1, .corpus = {"/one", "/two"}});
  const Stage& data =
      *std::find_if(plan.stages.begin(), plan.stages.end(), [](const Stage& s) { return s.id == "text/data"; });
  CHECK(std::count(data.words.begin(), data.words.end(), "/two") == 1);
  std::set<std::string> scored;
  for (const Stage& stage : plan.stages)
    if (stage.words.front() == "eval") {
      CHECK(stage.prints);
      scored.insert(stage.id);
    }
  CHECK(scored.contains("text/seed-0/base/scores"));
  CHECK(scored.contains("text/seed-0/causal-multipl-moe/scores"));
  CHECK_FALSE(scored.contains("text/seed-0/multipl-moe/scores"));
  CHECK_FALSE(scored.contains("text/seed-0/ratio-4-4/scores"));
  // What the routing of MultiPL-MoE sees is measured instead.
  CHECK(std::count_if(plan.stages.begin(), plan.stages.end(), [](const Stage& stage) {
          return stage.id == "text/seed-0/multipl-moe/leak" && value_of(stage, "--data") == "text/data";
        }) == 1);
}

TEST_CASE("the option --only plans the systems of its tables and figures", "[reproduce][plan]") {
  CHECK(systems_of(plan_of({.scale = "small", .items = {"table2"}})) ==
        std::set<std::string>{"multipl-moe", "without-segments", "without-shared", "without-both"});
  CHECK(systems_of(plan_of({.scale = "small", .items = {"figure5"}})) ==
        std::set<std::string>{"multipl-moe", "ratio-4-4", "ratio-8-4", "ratio-4-8"});
  const Plan figure3 = plan_of({.scale = "small", .seeds = 2, .items = {"figure3"}});
  CHECK(systems_of(figure3) == std::set<std::string>{"multipl-moe"});
  CHECK(steps_named(figure3, "routing") == 2);
  CHECK(steps_named(figure3, "page") == 2);
  CHECK(steps_named(plan_of({.scale = "small", .items = {"table1"}}), "routing") == 0);
  CHECK(steps_named(plan_of({.scale = "smoke"}), "routing") == 1);
  CHECK_THROWS_WITH(plan_of({.scale = "smoke", .items = {"table1"}}), ContainsSubstring("--only"));
  CHECK_THROWS_WITH(plan_of({.scale = "smoke", .corpus = {"/c"}}), ContainsSubstring("--corpus"));
  CHECK_THROWS_WITH(plan_of({.scale = "large"}), ContainsSubstring("smoke, small, paper, found 'large'"));
}

TEST_CASE("questions have probes of MultiPL-MoE, untrained models, and trainings on random letters",
          "[reproduce][plan]") {
  const Plan plan = plan_of({.scale = "small", .seeds = 1, .items = {"questions"}});
  std::set<std::string> probes;
  for (const Stage& stage : plan.stages) {
    if (stage.words.front() == "probe") probes.insert(stage.id);
    if (stage.id.starts_with("letters/seed-0/")) CHECK(value_of(stage, "--mix").empty());
  }
  CHECK(value_of(stage_named(plan, "exercises/seed-0/multipl-moe-untrained/scores"), "--model") ==
        "exercises/seed-0/multipl-moe-untrained/start");
  CHECK(value_of(stage_named(plan, "exercises/seed-0/causal-untrained/scores"), "--model") ==
        "exercises/seed-0/causal-untrained/start");
  CHECK(value_of(stage_named(plan, "letters/seed-0/multipl-moe/run"), "--trainable") == "all");
  CHECK(probes == std::set<std::string>{"exercises/seed-0/multipl-moe/lesion", "exercises/seed-0/multipl-moe/bypass",
                                        "exercises/seed-0/causal-multipl-moe/lesion",
                                        "exercises/seed-0/causal-multipl-moe/bypass", "letters/lines",
                                        "letters/seed-0/base/leak", "letters/seed-0/multipl-moe/leak",
                                        "letters/seed-0/causal-multipl-moe/leak"});
  CHECK(systems_of(plan) == std::set<std::string>{"multipl-moe", "causal-multipl-moe"});
  for (const Stage& stage : plan_of({.scale = "small", .items = {"table1"}}).stages)
    CHECK(stage.words.front() != "probe");
}

TEST_CASE("other base models are planned only if they are named", "[reproduce][plan]") {
  const auto mixes_of = [](const Plan& plan) {
    std::set<std::string> mixes;
    for (const Stage& stage : plan.stages)
      if (stage.words.front() == "pretrain") mixes.insert(value_of(stage, "--mix"));
    return mixes;
  };
  CHECK(mixes_of(plan_of({.scale = "small", .items = {"controls"}})) == std::set<std::string>{"1:199"});
  const Plan plan = plan_of({.scale = "small", .seeds = 1, .items = {"bases"}});
  CHECK(mixes_of(plan) == std::set<std::string>{"1:199", "0:1", "1:99", "3:97"});
  CHECK(systems_of(plan).size() == 4 * 4);
  const Stage& trained = stage_named(plan, "exercises/seed-0/ffn-only-of-base-3/run");
  CHECK(value_of(trained, "--model") == "exercises/seed-0/base-3/run");
  CHECK(value_of(trained, "--trainable") == "ffn");
  CHECK_THROWS_WITH(plan_of({.scale = "small", .items = {"bases"}, .corpus = {"/c"}}),
                    ContainsSubstring("found it with --only bases"));
  CHECK_THROWS_WITH(plan_of({.scale = "paper", .items = {"bases"}}), ContainsSubstring("whose base model is given"));
  const Plan whole = plan_of({.scale = "small", .with_apart = true}), usual = plan_of({.scale = "small"});
  CHECK(whole.stages.size() > usual.stages.size());
  CHECK(plan_of({.scale = "paper", .with_apart = true}).stages.size() == plan_of({.scale = "paper"}).stages.size());
  CHECK_FALSE(has_models_apart(whole, {"exercises/seed-0/base/run"}));
  CHECK(has_models_apart(whole, {"exercises/seed-0/base-1/run"}));
  CHECK_FALSE(has_models_apart(usual, {"exercises/seed-0/base-1/run"}));
  for (const char* name : {"base", "multipl-moe", "ffn-only", "another"}) CHECK_FALSE(is_model_apart(name));
  for (const char* name : {"base-0", "ffn-only-of-base-3"}) CHECK(is_model_apart(name));
}

TEST_CASE("systems differ as the paper's tables need", "[reproduce][plan]") {
  const Plan plan = plan_of({.scale = "small", .seeds = 1});
  const auto stage = [&](const std::string& id) {
    const auto found = std::find_if(plan.stages.begin(), plan.stages.end(), [&](const Stage& s) { return s.id == id; });
    REQUIRE(found != plan.stages.end());
    return *found;
  };
  const std::string seed = "exercises/seed-0/";
  CHECK(value_of(stage(seed + "ratio-8-4/start"), "--token-experts") == "8");
  CHECK(value_of(stage(seed + "ratio-8-4/start"), "--segment-window") == "16");
  CHECK(value_of(stage(seed + "without-shared/start"), "--router") == "top-k");
  CHECK(value_of(stage(seed + "mixtral/start"), "--segment-window").empty());
  CHECK(value_of(stage(seed + "mix-7-3/run"), "--mix") == "7:3");
  CHECK(value_of(stage(seed + "multipl-moe/run"), "--mix") == "9:1");
  CHECK(value_of(stage(seed + "all-trained/run"), "--trainable") == "all");
  CHECK(value_of(stage(seed + "ffn-only/run"), "--trainable") == "ffn");
  CHECK(value_of(stage(seed + "ffn-only/run"), "--model") == seed + "base/run");
  CHECK(value_of(stage(seed + "random-routing/run"), "--trainable") == "frozen-routers");
  CHECK(value_of(stage(seed + "dense/run"), "--model") == seed + "base/run");
  CHECK(value_of(stage(seed + "dense-equal-time/run"), "--steps") == "752");
  // The same seed decides data and start of all systems.
  for (const Stage& s : plan.stages)
    if (s.words.front() == "train" || s.words.front() == "upcycle") CHECK(value_of(s, "--seed") == "0");
}

TEST_CASE("a plan is a shell script, and JSON with the same commands", "[reproduce][plan]") {
  const Plan plan = plan_of({.scale = "small", .seeds = 1, .items = {"table1"}, .corpus = {"/it's here"}});
  const std::string text = plan_text(plan);
  CHECK_THAT(text, ContainsSubstring("#!/bin/sh -e\n") && ContainsSubstring("\nmultipl_moe pretrain --config-json ") &&
                       ContainsSubstring(" '/it'\\''s here' -o text/data\n") &&
                       ContainsSubstring(" > text/seed-0/base/scores.json\n") &&
                       ContainsSubstring("cat > exercises/model.json <<'END'\n{"));
  const auto json = nlohmann::json::parse(plan_json(plan));
  CHECK(json["stages"].size() == plan.stages.size());
  CHECK(json["stages"][0]["command"][0] == "exercises");
  CHECK(json["files"]["exercises/model.json"].is_string());
  CHECK(json["seconds"].get<double>() == Approx(plan.seconds()));
  double bytes = 0;
  for (const auto& stage : json["stages"]) bytes += stage["bytes"].get<double>();
  CHECK(json["bytes"].get<double>() == Approx(bytes));
}

TEST_CASE("a plan says how long it takes with several jobs", "[reproduce][plan]") {
  const Plan small = plan_of({.scale = "small", .seeds = 2, .items = {"table1"}});
  const double alone = duration_of(small, 1), two = duration_of(small, 2);
  CHECK(alone == Approx(small.seconds()));
  CHECK(two >= alone / 2);
  CHECK(two < 0.6 * alone);
  CHECK_THAT(plan_text(small, 2), ContainsSubstring("one after the other, ") && ContainsSubstring(" with --jobs 2, "));
  CHECK_THAT(plan_text(small, 1), !ContainsSubstring("--jobs"));
  const auto json = nlohmann::json::parse(plan_json(small, 2));
  CHECK(json["jobs"] == 2);
  CHECK(json["seconds_with_jobs"].get<double>() == Approx(two));
}

TEST_CASE("a training has checkpoints to go on from, and no command says how many threads it has",
          "[reproduce][plan]") {
  for (const std::string& scale : scale_names()) {
    const Plan plan = plan_of(
        {.scale = scale, .corpus = scale == "smoke" ? std::vector<std::string>{} : std::vector<std::string>{"/c"}});
    for (const Stage& stage : plan.stages) {
      CAPTURE(stage.id);
      CHECK(value_of(stage, "--threads").empty());
      if (stage.words.front() != "train" && stage.words.front() != "pretrain") continue;
      const std::int64_t steps = std::stoll(value_of(stage, "--steps")),
                         between = std::stoll(value_of(stage, "--save-steps"));
      CHECK(between > 0);
      CHECK(between <= steps / 4);
    }
  }
}

TEST_CASE("the paper's scale is its 3.3 billion tokens", "[reproduce][plan]") {
  const Plan plan = plan_of({.scale = "paper", .items = {"figure1", "questions"}});
  CHECK(plan.seconds() > 86400);
  for (const Stage& stage : plan.stages) {
    CAPTURE(stage.id);
    if (stage.words.front() == "train") {
      CHECK(value_of(stage, "--steps") == "50354");
      CHECK(value_of(stage, "--learning-rate") == "7e-6");
    } else if (stage.words.front() != "prepare" && stage.words.front() != "upcycle") {
      CHECK(value_of(stage, "--device") == "cuda");
    }
  }
}

}  // namespace plan_test
