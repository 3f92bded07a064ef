#include "multipl_moe/model/language_model.hpp"

#include <algorithm>
#include <cmath>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "small_model.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::is_slow_build;

namespace {

/// Text of `count` sequences of 32 tokens with something to learn: a token is the one before plus 3 or plus 5.
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
  model->initialise(5, 0.1);
  return model;
}

std::vector<float> weights_of(LanguageModel& model) {
  std::vector<float> values;
  for (const TensorSlot& slot : model.tensors()) values.insert(values.end(), slot.values.begin(), slot.values.end());
  return values;
}

double mean_loss(const LanguageModel& model, const Text& text) {
  double sum = 0;
  for (const double loss : model.score(text.sequences()).losses) sum += loss;
  return sum / static_cast<double>(text.tokens.size());
}

/// A few steps with gradient accumulation.
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

TEST_CASE("training lowers the loss of text it has not seen", "[model]") {
  const Text unseen(8, 999);
  const auto dense = dense_model();
  const double before = mean_loss(*dense, unseen);
  trained(*dense, 60);
  const double after = mean_loss(*dense, unseen);
  CHECK(after < 0.6 * before);

  const auto mixture = upcycled(*dense, small_mixture("causal-multipl-moe", "normalised"), {.seed = 1});
  CHECK(mean_loss(*mixture, unseen) == Catch::Approx(after).epsilon(1e-5));
}

TEST_CASE("trained weights have the same bits for any number of threads and in every run", "[model]") {
  std::vector<std::vector<float>> results;
  for (const int threads : {1, 2, 3, 4, 8, 1}) {
    const auto dense = dense_model(threads);
    const auto mixture = upcycled(*dense, small_mixture("causal-multipl-moe", "normalised"), {.seed = 1});
    results.push_back(trained(*mixture, 3));
  }
  for (const auto& result : results) CHECK(result == results.front());
}

TEST_CASE("post-training moves new experts and routers and nothing else", "[model]") {
  const auto dense = dense_model();
  const auto mixture = upcycled(*dense, small_mixture("causal-multipl-moe", "normalised"), {.seed = 1});
  const std::vector<float> before = weights_of(*mixture);
  trained(*mixture, 3);
  const auto trains = post_training_weights(mixture->config());
  std::size_t at = 0;
  int moved = 0, still = 0;
  for (const TensorSlot& slot : mixture->tensors()) {
    const bool same =
        std::equal(slot.values.begin(), slot.values.end(), before.begin() + static_cast<std::ptrdiff_t>(at));
    at += slot.values.size();
    INFO(slot.name);
    if (slot.name.find("threshold") != std::string::npos) continue;
    CHECK(same == !trains(slot.name));
    ++(same ? still : moved);
  }
  CHECK(moved == 2 * (1 + 3 * 3 + 2 + 3 * 3));
  CHECK(still > 0);
}

TEST_CASE("accumulating two halves is one step over both", "[model]") {
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

TEST_CASE("a step that is discarded leaves weights and thresholds alone", "[model]") {
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

TEST_CASE("thresholds are learned from training batches, and by calibration alone", "[model]") {
  const auto dense = dense_model();
  const auto mixture = upcycled(*dense, small_mixture("causal-multipl-moe"), {.seed = 1});
  const auto thresholds = [&] {
    std::vector<float> values;
    for (const TensorSlot& slot : mixture->tensors())
      if (slot.name.ends_with(".thresholds")) values.insert(values.end(), slot.values.begin(), slot.values.end());
    return values;
  };
  CHECK(thresholds() == std::vector<float>(6, 1.0f / 3));
  mixture->calibrate(Text(4).sequences());
  for (const float value : thresholds()) CHECK(value != 1.0f / 3);
}

TEST_CASE("decoding gives the logits of a whole pass; a model that looks ahead refuses", "[model]") {
  const auto dense = dense_model();
  const auto causal = upcycled(*dense, small_mixture("causal-multipl-moe"), {.seed = 1});
  const Text text(1);
  const auto decoding = causal->begin_decoding();
  std::vector<float> logits;
  for (const Token token : text.tokens) logits = decoding->next(token);
  const std::vector<float> expected = causal->logits_after(text.tokens);
  REQUIRE(logits.size() == expected.size());
  for (std::size_t v = 0; v < logits.size(); ++v)
    CHECK(logits[v] == Catch::Approx(expected[v]).epsilon(1e-4).margin(1e-5));
  const auto paper = upcycled(*dense, small_mixture("multipl-moe"), {.seed = 1});
  CHECK_FALSE(paper->is_causal());
  CHECK_THROWS_AS(paper->begin_decoding(), Failure);
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

TEST_CASE("every architecture, router, segmenter and fusion upcycles, trains and comes back from its config",
          "[model]") {
  const auto dense = dense_model();
  const Text unseen(8, 999);
  // A base that has much to learn still, so that what rounding does to the last steps decides nothing.
  trained(*dense, 5);
  std::vector<MoeConfig> mixtures;
  for (const char* name : {"multipl-moe", "causal-multipl-moe", "multipl-moe-literal", "multipl-moe-released"})
    for (const char* fusion : {"fixed", "normalised", "scalar", "channel", "matrix"})
      mixtures.push_back(small_mixture(name, fusion));
  for (const char* name : {"multipl-moe-without-segments", "mixtral", "gshard", "qwen1.5-moe"})
    mixtures.push_back(small_mixture(name));
  MoeConfig lines = small_mixture("causal-multipl-moe", "normalised");
  lines.segmenter = "boundary-window";
  lines.segment_window = 12;
  lines.segment_minimum_window = 3;
  mixtures.push_back(lines);
  MoeConfig no_shared = small_mixture("causal-multipl-moe", "normalised");
  no_shared.router = "top-k";
  mixtures.push_back(no_shared);
  for (std::size_t m = 0; m < mixtures.size(); m += is_slow_build ? 3 : 1) {
    const MoeConfig& moe = mixtures[m];
    INFO(moe.architecture << ", " << moe.fusion << ", " << moe.router << ", " << moe.segmenter);
    const auto model = upcycled(*dense, moe, {.seed = 1, .noise_deviation = 0.01});
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

TEST_CASE("activations that are computed twice change no bit of training", "[model]") {
  const auto weights_after = [](Keep keep) {
    const auto dense = dense_model();
    const auto model = upcycled(*dense, small_mixture("causal-multipl-moe", "normalised"), {.seed = 1});
    model->begin_training(post_training_weights(model->config()));
    for (std::uint32_t step = 1; step <= 3; ++step) {
      model->accumulate(Text(4, step).sequences(), 1, {.balance = 0.01, .z = 0.001}, keep);
      model->step({}, 1e-2, step, 1);
    }
    return weights_of(*model);
  };
  CHECK(weights_after(Keep::everything) == weights_after(Keep::inputs));
}

TEST_CASE("an observer is told every layer's decisions", "[model]") {
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
