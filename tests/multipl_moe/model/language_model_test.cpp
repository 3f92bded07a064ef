#include "multipl_moe/model/language_model.hpp"

#include <algorithm>
#include <cmath>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "small_model.hpp"
#include "support/catch.hpp"

using namespace multipl_moe;
using namespace multipl_moe::testing;

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
