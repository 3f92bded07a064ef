#include "multipl_moe/model/language_model.hpp"

#include "moe/train/adamw.hpp"

#include <algorithm>
#include <cmath>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "small_model.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace language_model_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::is_slow_build;

namespace {

/// `count` sequences of 32 tokens with a pattern to learn: a token is the previous one plus 3 or plus 5.
struct Text {
  std::vector<Token> tokens, targets;
  std::int64_t count;

  explicit Text(std::int64_t count_, std::uint32_t stream = 0) : count(count_) {
    moe::testing::Draw draw("language model", stream);
    for (std::int64_t s = 0; s < count; ++s) {
      Token token = static_cast<Token>(draw.between(0, 18));
      for (int t = 0; t < 32; ++t) {
        tokens.push_back(token);
        token = (token + (draw.one_in(4) ? 5 : 3)) % 19;
        targets.push_back(token);
      }
    }
  }
  Sequences sequences() const { return {count, 32, tokens, targets}; }
};

std::unique_ptr<LanguageModel> dense_model(int threads = 1) {
  auto model = make_language_model(small_config(), threads);
  model->initialize(5, 0.1);
  return model;
}

std::vector<float> weights_of(LanguageModel& model) {
  std::vector<float> values;
  for (const TensorRef& slot : model.tensors()) values.insert(values.end(), slot.floats().begin(), slot.floats().end());
  return values;
}

double mean_loss(const LanguageModel& model, const Text& text) {
  double sum = 0;
  for (const double loss : model.score(text.sequences()).losses) sum += loss;
  return sum / static_cast<double>(text.tokens.size());
}

/// Trains for a few steps with gradient accumulation; returns the weights.
std::vector<float> trained(LanguageModel& model, int steps) {
  model.begin_training(post_training_weights(model.config()));
  for (int step = 1; step <= steps; ++step) {
    for (std::uint32_t micro = 0; micro < 2; ++micro)
      model.accumulate(Text(4, static_cast<std::uint32_t>(2 * step) + micro).sequences(), 0.5, {.balance = 0.01});
    model.step({}, 1e-2, step, 1);
  }
  return weights_of(model);
}

}  // namespace

TEST_CASE("training lowers the loss on unseen text", "[model]") {
  const Text unseen(8, 999);
  const auto dense = dense_model();
  const double before = mean_loss(*dense, unseen);
  trained(*dense, 60);
  const double after = mean_loss(*dense, unseen);
  CHECK(after < 0.6 * before);

  const auto mixture = upcycled(*dense, small_mixture("causal-multipl-moe", "normalized"), {.seed = 1});
  CHECK(mean_loss(*mixture, unseen) == Catch::Approx(after).epsilon(1e-5));
}

TEST_CASE("trained weights are bitwise identical for any number of threads and in every run", "[model]") {
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3, 4, 8, 1}) {
    const auto dense = dense_model(threads);
    const auto mixture = upcycled(*dense, small_mixture("causal-multipl-moe", "normalized"), {.seed = 1});
    results.push_back(trained(*mixture, 3));
  }
  for (const auto& result : results) CHECK(result == results.front());
}

TEST_CASE("post-training updates new experts and routers and nothing else", "[model]") {
  const auto dense = dense_model();
  const auto mixture = upcycled(*dense, small_mixture("causal-multipl-moe", "normalized"), {.seed = 1});
  const std::vector<float> before = weights_of(*mixture);
  trained(*mixture, 3);
  const auto trains = post_training_weights(mixture->config());
  std::size_t at = 0;
  int moved = 0, still = 0;
  for (const TensorRef& slot : mixture->tensors()) {
    const bool same =
        std::equal(slot.floats().begin(), slot.floats().end(), before.begin() + static_cast<std::ptrdiff_t>(at));
    at += slot.floats().size();
    INFO(slot.name);
    if (slot.name.find("threshold") != std::string::npos) continue;
    CHECK(same == !trains(slot.name));
    ++(same ? still : moved);
  }
  CHECK(moved == 2 * (1 + 3 * 3 + 2 + 3 * 3));
  CHECK(still > 0);
}

TEST_CASE("accumulating the gradients of two halves gives the gradient of the whole batch", "[model]") {
  const auto once = dense_model(), twice = dense_model();
  const Text text(4);
  const std::size_t half = text.tokens.size() / 2;
  once->begin_training({});
  once->accumulate(text.sequences(), 1, {.balance = 0});
  twice->begin_training({});
  for (const std::size_t begin : {std::size_t{0}, half})
    twice->accumulate(
        {2, 32, std::span(text.tokens).subspan(begin, half), std::span(text.targets).subspan(begin, half)}, 0.5, {});
  CHECK(twice->gradient_norm() == Catch::Approx(once->gradient_norm()).epsilon(1e-5));
}

TEST_CASE("a discarded step changes neither weights nor thresholds", "[model]") {
  const auto dense = dense_model();
  const auto mixture = upcycled(*dense, small_mixture("causal-multipl-moe"), {.seed = 1});
  mixture->begin_training(post_training_weights(mixture->config()));
  const std::vector<float> before = weights_of(*mixture);
  mixture->accumulate(Text(4).sequences(), 1, {.balance = 0.01});
  CHECK(mixture->gradient_norm() > 0);
  mixture->discard_step();
  CHECK(mixture->gradient_norm() == 0);
  CHECK(weights_of(*mixture) == before);
}

TEST_CASE("calibration alone learns the thresholds", "[model]") {
  const auto dense = dense_model();
  const auto mixture = upcycled(*dense, small_mixture("causal-multipl-moe"), {.seed = 1});
  const auto thresholds = [&] {
    std::vector<float> values;
    for (const TensorRef& slot : mixture->tensors())
      if (slot.name.ends_with(".thresholds")) values.insert(values.end(), slot.floats().begin(), slot.floats().end());
    return values;
  };
  CHECK(thresholds() == std::vector<float>(6, 1.0f / 3));
  mixture->calibrate(Text(4).sequences());
  for (const float value : thresholds()) CHECK(value != 1.0f / 3);
}

TEST_CASE("decoding gives the logits of a whole pass, and a non-causal model refuses to decode", "[model]") {
  const auto dense = dense_model();
  const auto causal = upcycled(*dense, small_mixture("causal-multipl-moe"), {.seed = 1});
  const Text text(1);
  const auto decoding = causal->begin_decoding();
  const auto tokens = std::span(text.tokens);
  std::vector<float> logits = decoding->join(tokens.first(5));
  for (std::size_t t = 5; t < tokens.size(); ++t) logits = decoding->next(tokens.subspan(t, 1));
  const std::vector<float> expected = causal->logits_after(text.tokens);
  REQUIRE(logits.size() == expected.size());
  for (std::size_t v = 0; v < logits.size(); ++v)
    CHECK(logits[v] == Catch::Approx(expected[v]).epsilon(1e-4).margin(1e-5));
  const auto paper = upcycled(*dense, small_mixture("multipl-moe"), {.seed = 1});
  CHECK_FALSE(paper->is_causal());
  CHECK_THROWS_AS(paper->begin_decoding(), Failure);
}

TEST_CASE("a dense model with another activation than SiLU is not upcycled", "[model]") {
  ModelConfig config = small_config();
  config.hidden_act = "gelu";
  const auto dense = make_language_model(config, 1);
  CHECK_THROWS_WITH(upcycled(*dense, mixture_named("mixtral", config.intermediate_size).value(), {}),
                    "[upcycle] hidden_act of the dense model must be \"silu\", found \"gelu\"");
}

TEST_CASE("only a dense model can be upcycled, and only to experts of its width", "[model]") {
  const auto dense = dense_model();
  const auto mixture = upcycled(*dense, small_mixture("mixtral"), {.seed = 1});
  CHECK_THROWS_AS(upcycled(*mixture, small_mixture("mixtral"), {.seed = 1}), UsageError);
  MoeConfig wide = small_mixture("mixtral");
  wide.moe_intermediate_size = 48;
  CHECK_THROWS_WITH(upcycled(*dense, wide, {.seed = 1}),
                    "[upcycle] an expert must be as wide as the dense FFN, 24, found 48");
}

TEST_CASE("every architecture, router, segmenter and fusion is upcycled, trains and is rebuilt from its config",
          "[model]") {
  const auto dense = dense_model();
  const Text unseen(8, 999);
  // A base model far from convergence, so that rounding in the last steps does not decide the result.
  trained(*dense, 5);
  std::vector<MoeConfig> mixtures;
  for (const char* name : {"multipl-moe", "causal-multipl-moe", "multipl-moe-literal", "multipl-moe-released"})
    for (const char* fusion : {"fixed", "normalized", "scalar", "channel", "matrix"})
      mixtures.push_back(small_mixture(name, fusion));
  for (const char* name : {"multipl-moe-without-segments", "mixtral", "gshard", "qwen1.5-moe", "lora", "mole"})
    mixtures.push_back(small_mixture(name));
  MoeConfig crowded = small_mixture("gshard");
  crowded.expert_capacity_factor = 1.25;
  crowded.random_choice = "on";
  mixtures.push_back(crowded);
  MoeConfig lines = small_mixture("causal-multipl-moe", "normalized");
  lines.segmenter = "boundary-window";
  lines.segment_window = 12;
  lines.segment_minimum_window = 3;
  mixtures.push_back(lines);
  MoeConfig no_shared = small_mixture("causal-multipl-moe", "normalized");
  no_shared.router = "top-k";
  mixtures.push_back(no_shared);
  for (std::size_t m = 0; m < mixtures.size(); m += is_slow_build ? 3 : 1) {
    const MoeConfig& moe = mixtures[m];
    INFO(moe.architecture << ", " << moe.fusion << ", " << moe.router << ", " << moe.segmenter);
    const auto model = upcycled(*dense, moe, {.seed = 1, .noise_deviation = moe.is_adapted() ? 0 : 0.01});
    const double before = mean_loss(*model, unseen);
    CHECK(std::isfinite(before));
    trained(*model, is_slow_build ? 8 : 60);
    CHECK(mean_loss(*model, unseen) < (is_slow_build ? 1.0 : 0.9) * before);
    // A model made from the configuration has the same tensors, by name and shape.
    const auto again = make_language_model(parse_config(to_json_text(model->config()), "config.json"), 1);
    const auto slots = model->tensors(), others = again->tensors();
    REQUIRE(slots.size() == others.size());
    for (std::size_t i = 0; i < slots.size(); ++i) {
      CHECK(slots[i].name == others[i].name);
      CHECK(slots[i].shape == others[i].shape);
    }
  }
}

TEST_CASE("without a shared expert every token expert trains", "[model]") {
  MoeConfig moe = small_mixture("causal-multipl-moe");
  const auto trains = [&] { return post_training_weights(small_config(moe)); };
  const std::string expert = "model.layers.0.mlp.token.experts.0.up_proj.weight";
  CHECK_FALSE(trains()(expert));
  CHECK(trains()("model.layers.0.mlp.fusion.weights"));
  moe.router = "top-k";
  CHECK(trains()(expert));
  moe = small_mixture("multipl-moe-without-segments");
  CHECK_FALSE(trains()("model.layers.0.mlp.experts.0.up_proj.weight"));
  CHECK(trains()("model.layers.0.mlp.experts.1.up_proj.weight"));
  CHECK_FALSE(trains()("model.layers.0.self_attn.q_proj.weight"));
}

TEST_CASE("training with activation checkpointing is bitwise identical to training without", "[model]") {
  const auto weights_after = [](ActivationCheckpointing checkpointing) {
    const auto dense = dense_model();
    const auto model = upcycled(*dense, small_mixture("causal-multipl-moe", "normalized"), {.seed = 1});
    model->begin_training(post_training_weights(model->config()));
    for (std::uint32_t step = 1; step <= 3; ++step) {
      model->accumulate(Text(4, step).sequences(), 1, {.balance = 0.01, .z = 0.001}, checkpointing);
      model->step({}, 1e-2, step, 1);
    }
    return weights_of(*model);
  };
  CHECK(weights_after(ActivationCheckpointing::off) == weights_after(ActivationCheckpointing::on));
}

TEST_CASE("a new MoLE gives the losses of the dense model, with languages and without", "[model][mole]") {
  const auto dense = dense_model();
  trained(*dense, 20);
  const auto mole = upcycled(*dense, small_mixture("mole"), {});
  const Text text(6);
  const std::vector<double> expected = dense->score(text.sequences()).losses;
  Sequences spoken = text.sequences();
  double deviation = 0;
  for (const bool said : {true, false}) {
    if (said) spoken.languages = all_languages;
    const std::vector<double> losses = mole->score(spoken).losses;
    for (std::size_t t = 0; t < losses.size(); ++t) deviation = std::max(deviation, std::abs(losses[t] - expected[t]));
    spoken.languages = {};
  }
  INFO(deviation);
  CHECK(deviation < 2e-5);
}

TEST_CASE("a MoLE trains only the adapters of the languages that it reads", "[model][mole]") {
  const auto dense = dense_model();
  MoeConfig moe = small_mixture("mole");
  // Three of the six languages, in another order.
  moe.languages = {"go", "python", "ruby"};
  const auto mole = upcycled(*dense, moe, {});
  const std::vector<float> before = weights_of(*mole);
  mole->begin_training(post_training_weights(mole->config()));
  const Text text(3);
  Sequences spoken = text.sequences();
  // Java has no adapter here and counts as other text.
  const std::vector<Language> languages{Language::ruby, Language::go, Language::java};
  for (const std::size_t first : {std::size_t{0}, std::size_t{2}}) {
    const std::size_t count = first == 0 ? 2 : 1;
    spoken = {static_cast<std::int64_t>(count), 32, std::span(text.tokens).subspan(32 * first, 32 * count),
              std::span(text.targets).subspan(32 * first, 32 * count), std::span(languages).subspan(first, count)};
    mole->accumulate(spoken, 1, {});
    mole->step({.decay = 0}, 1e-2, 1, 1);
    std::size_t at = 0;
    for (const TensorRef& slot : mole->tensors()) {
      const bool same =
          std::equal(slot.floats().begin(), slot.floats().end(), before.begin() + static_cast<std::ptrdiff_t>(at));
      at += slot.floats().size();
      INFO(slot.name);
      const auto of = [&](const char* adapter) { return slot.name.find(adapter) != std::string::npos; };
      CHECK(same == !(of("adapters.0.") || of("adapters.2.") || of("adapters.3.") || (first > 0 && of("adapters.4."))));
    }
  }
}

TEST_CASE("decoding with a MoLE uses the language of every token", "[model][mole]") {
  const auto dense = dense_model();
  const auto mole = upcycled(*dense, small_mixture("mole"), {});
  moe::testing::Draw draw("mole's adapters");
  for (const TensorRef& slot : mole->tensors())
    if (slot.name.find("lora") != std::string::npos)
      for (float& value : slot.floats()) value += static_cast<float>(0.2 * draw.normal());
  const Text text(1);
  std::vector<std::optional<Language>> languages;
  for (std::size_t t = 0; t < text.tokens.size(); ++t)
    languages.push_back(t % 7 == 6 ? std::nullopt : std::optional(all_languages[t / 3 % language_count]));
  const auto decoding = mole->begin_decoding();
  double deviation = 0, deaf = 0;
  for (std::size_t t = 0; t < text.tokens.size(); ++t) {
    const auto so_far = std::span(text.tokens).first(t + 1);
    const auto spoken = std::span(languages).first(t + 1);
    // The first three tokens are read in one pass.
    const std::vector<float> logits = t < 2    ? mole->logits_after(so_far, spoken)
                                      : t == 2 ? decoding->join(so_far, spoken)
                                               : decoding->next(so_far.last(1), spoken.last(1));
    const std::vector<float> expected = mole->logits_after(so_far, spoken);
    const std::vector<float> silent = mole->logits_after(so_far);
    for (std::size_t v = 0; v < logits.size(); ++v) {
      deviation = std::max(deviation, std::abs(static_cast<double>(logits[v]) - static_cast<double>(expected[v])));
      deaf = std::max(deaf, std::abs(static_cast<double>(logits[v]) - static_cast<double>(silent[v])));
    }
  }
  INFO(deviation << " " << deaf);
  CHECK(deviation < 1e-4);
  CHECK(deaf > 1e-2);
}

TEST_CASE("a new LoRA is bitwise identical to the dense model, and trains only its adapters", "[model][lora]") {
  const auto dense = dense_model();
  trained(*dense, 5);
  const auto lora = upcycled(*dense, small_mixture("lora"), {.seed = 2});
  const Text text(4), unseen(8, 999);
  CHECK(lora->score(text.sequences()).losses == dense->score(text.sequences()).losses);
  const double before = mean_loss(*lora, unseen);
  const std::vector<float> weights = weights_of(*lora);
  trained(*lora, 30);
  CHECK(mean_loss(*lora, unseen) < 0.97 * before);
  std::size_t at = 0;
  int adapters = 0;
  for (const TensorRef& slot : lora->tensors()) {
    const bool same =
        std::equal(slot.floats().begin(), slot.floats().end(), weights.begin() + static_cast<std::ptrdiff_t>(at));
    at += slot.floats().size();
    const bool is_adapter = slot.name.find("_proj.lora_") != std::string::npos;
    INFO(slot.name);
    CHECK(same == !is_adapter);
    adapters += is_adapter ? 1 : 0;
  }
  // Two layers, seven linear layers each, A and B.
  CHECK(adapters == 2 * 7 * 2);
}

TEST_CASE("decoding with a LoRA, and its merged model, give the logits of a whole pass", "[model][lora]") {
  const auto dense = dense_model();
  const auto lora = upcycled(*dense, small_mixture("lora"), {.seed = 2});
  trained(*lora, 30);
  const std::vector<float> before = weights_of(*lora);
  const auto whole = merged(*lora);
  CHECK(weights_of(*lora) == before);
  CHECK_FALSE(whole->config().moe.has_value());
  const Text text(1);
  const std::vector<float> expected = lora->logits_after(text.tokens), found = whole->logits_after(text.tokens),
                           base = dense->logits_after(text.tokens);
  const auto decoding = lora->begin_decoding();
  const auto tokens = std::span(text.tokens);
  std::vector<float> decoded = decoding->join(tokens.first(1));
  for (std::size_t t = 1; t < tokens.size(); ++t) decoded = decoding->next(tokens.subspan(t, 1));
  double of_merged = 0, of_decoded = 0, of_base = 0;
  for (std::size_t v = 0; v < expected.size(); ++v) {
    const auto from_expected = [&](float value) {
      return std::abs(static_cast<double>(value) - static_cast<double>(expected[v]));
    };
    of_merged = std::max(of_merged, from_expected(found[v]));
    of_decoded = std::max(of_decoded, from_expected(decoded[v]));
    of_base = std::max(of_base, from_expected(base[v]));
  }
  INFO(of_merged << " " << of_decoded << " " << of_base);
  CHECK(of_merged < 1e-4);
  CHECK(of_decoded < 1e-4);
  CHECK(of_base > 1e-2);
  CHECK_THROWS_WITH(merged(*dense), "[merge] the model must be a LoRA, found dense");
  CHECK_THROWS_AS(merged(*upcycled(*dense, small_mixture("mole"), {})), UsageError);
}

TEST_CASE("new mixtures whose gates sum to 1 give the losses of the dense model", "[model]") {
  const auto dense = dense_model();
  trained(*dense, 20);
  const Text text(6);
  const std::vector<double> expected = dense->score(text.sequences()).losses;
  for (const char* name : {"mixtral", "gshard", "multipl-moe-without-segments"}) {
    const auto model = upcycled(*dense, small_mixture(name), {.seed = 1});
    const std::vector<double> losses = model->score(text.sequences()).losses;
    double deviation = 0;
    for (std::size_t t = 0; t < losses.size(); ++t) deviation = std::max(deviation, std::abs(losses[t] - expected[t]));
    INFO(name << " " << deviation);
    CHECK(deviation < 2e-5);
  }
}

TEST_CASE("a GShard drops and draws according to its settings, and only in training", "[model][gshard]") {
  const auto dense = dense_model();
  trained(*dense, 20);
  const Text text(6);
  const auto training_loss = [&](LanguageModel& model, std::int64_t number) {
    model.begin_training(post_training_weights(model.config()));
    Sequences sequences = text.sequences();
    sequences.number = number;
    return model.accumulate(sequences, 1, {}).loss;
  };
  const double expected = training_loss(*dense, 0);
  const auto gshard = [&](double capacity, const char* random) {
    MoeConfig moe = small_mixture("gshard");
    moe.num_experts_per_tok = 3;
    moe.expert_capacity_factor = capacity;
    moe.random_choice = random;
    return upcycled(*dense, moe, {.seed = 1, .router_deviation = 1});
  };
  const std::vector<double> scores = dense->score(text.sequences()).losses;
  for (const double capacity : {0.0, 0.7})
    for (const char* random : {"off", "on"}) {
      INFO(capacity << " " << random);
      const auto model = gshard(capacity, random);
      CHECK(model->is_causal());
      const std::vector<double> losses = model->score(text.sequences()).losses;
      for (std::size_t t = 0; t < losses.size(); ++t) CHECK(losses[t] == Catch::Approx(scores[t]).margin(2e-5));
      const double loss = training_loss(*model, 0);
      // Gates sum to 1 over the experts that the random choice keeps, but dropped pairs are lost.
      if (capacity == 0)
        CHECK(loss == Catch::Approx(expected).epsilon(1e-5));
      else
        CHECK(std::abs(loss - expected) > 1e-3);
      CHECK(training_loss(*model, 0) == loss);
      // The dropped pairs depend on the random choice.
      if (capacity > 0) CHECK((training_loss(*model, 4) == loss) == (std::string(random) == "off"));
    }
}

TEST_CASE("a Qwen1.5-MoE's experts are shards of the dense FFN", "[model]") {
  const auto dense = dense_model();
  const auto model = upcycled(*dense, small_mixture("qwen1.5-moe"), {.seed = 1});
  const auto weight = [](LanguageModel& of, const std::string& name) {
    for (const TensorRef& slot : of.tensors())
      if (slot.name == "model.layers.1.mlp." + name) return slot.floats();
    FAIL("no tensor " << name);
    return std::span<float>();
  };
  // 24 channels in four parts of 6; an expert has 2 more, the shared one 4.
  const auto gate = weight(*dense, "gate_proj.weight"), part = weight(*model, "experts.2.gate_proj.weight"),
             shared = weight(*model, "shared_expert.gate_proj.weight");
  REQUIRE(part.size() == 8 * 16);
  REQUIRE(shared.size() == 28 * 16);
  CHECK(std::equal(part.begin(), part.begin() + 6 * 16, gate.begin() + 12 * 16));
  CHECK(std::equal(gate.begin(), gate.end(), shared.begin()));
  MoeConfig narrow = small_mixture("qwen1.5-moe");
  narrow.moe_intermediate_size = 5;
  CHECK_THROWS_WITH(upcycled(*dense, narrow, {}),
                    "[upcycle] an expert must hold a shard of the dense FFN, 6 channels, and the shared expert all "
                    "24, found 5 and 28");
}

TEST_CASE("adapters with noise, or with more components than there are, are refused", "[model][mole][misuse]") {
  const auto dense = dense_model();
  for (const char* name : {"lora", "mole"}) {
    CHECK_THROWS_AS(upcycled(*dense, small_mixture(name), {.noise_deviation = 0.1}), UsageError);
    CHECK_THROWS_AS(upcycled(*dense, small_mixture(name), {.reinitialized = 0.1}), UsageError);
  }
  MoeConfig wide = small_mixture("mole");
  wide.shared_rank = 15;
  CHECK_THROWS_WITH(upcycled(*dense, wide, {}),
                    "[upcycle] --language-rank and --shared-rank must sum to at most the 16 singular components of a "
                    "projection, found 2 and 15");
}

TEST_CASE("an observer is called with every layer's decisions", "[model]") {
  const auto dense = dense_model();
  const auto model = upcycled(*dense, small_mixture("causal-multipl-moe"), {.seed = 1});
  std::vector<std::pair<std::uint32_t, std::string>> seen;
  model->observe([&](const moe::Observation& o) { seen.emplace_back(o.layer, o.level); });
  const Text text(2);
  model->score(text.sequences());
  using Seen = std::pair<std::uint32_t, std::string>;
  CHECK(seen == std::vector<Seen>{{0, "token"}, {0, "segment"}, {1, "token"}, {1, "segment"}});
  model->observe({});
  model->score(text.sequences());
  CHECK(seen.size() == 4);
}

}  // namespace language_model_test
