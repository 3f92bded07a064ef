/// Batched decoding, compared with passes over whole texts.
#include <algorithm>
#include <cmath>

#include "../model/small_model.hpp"
#include "moe/core/bfloat16.hpp"
#include "multipl_moe/data/fences.hpp"
#include "multipl_moe/eval/generate.hpp"
#include "support/catch.hpp"

namespace decoding_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

/// A byte-level model with weights so large that its logits differ clearly.
std::unique_ptr<LanguageModel> opinionated(const std::string& architecture) {
  ModelConfig config = small_config(architecture == "dense" ? std::optional<MoeConfig>() : small_mixture(architecture));
  config.vocab_size = 257;
  auto model = make_language_model(config, 1);
  moe::testing::Draw draw("opinions of " + architecture);
  for (const TensorRef& slot : model->tensors())
    for (float& value : slot.floats()) {
      if (slot.name.ends_with(".thresholds")) continue;
      const double normal = draw.normal();
      value = static_cast<float>(slot.name.find("norm") != std::string::npos ? 1 + normal / 8 : 0.4 * normal);
    }
  return model;
}

/// Prompts of different lengths; the architecture mole reads their fences.
const std::vector<std::string> prompts{"x", "text\n```rust\nfn main() {", "def f(a, b):\n"};

/// The languages of a text's tokens.
std::vector<std::optional<Language>> languages_of(const LanguageModel& model, std::span<const Token> tokens) {
  FenceReader fences;
  std::vector<std::optional<Language>> languages;
  for (const Token token : tokens) languages.push_back(fences.read(model.tokenizer()->decode({&token, 1})));
  return languages;
}

}  // namespace

TEST_CASE("decoding selects the same tokens as passes over the whole text, in every architecture", "[eval][decoding]") {
  const std::string architecture =
      GENERATE("dense", "mixtral", "gshard", "qwen1.5-moe", "causal-multipl-moe", "lora", "mole", "multipl-moe");
  const auto model = opinionated(architecture);
  INFO(architecture);
  CHECK(model->is_causal() == (architecture != "multipl-moe"));
  const std::int64_t length = model->is_causal() ? 24 : 4;
  const auto results = generate(*model, prompts, {.max_new_tokens = length, .temperature = 0});
  for (std::size_t i = 0; i < prompts.size(); ++i) {
    const std::vector<Token> prompt = model->tokenizer()->encode(prompts[i]);
    std::vector<Token> text = prompt;
    text.insert(text.end(), results[i].tokens.begin(), results[i].tokens.end());
    const auto languages = languages_of(*model, text);
    for (std::size_t t = prompt.size(); t < text.size(); ++t) {
      const auto logits = model->logits_after(std::span(text).first(t), std::span(languages).first(t));
      INFO("prompt " << i << ", token " << t);
      CHECK(logits[text[t]] >= *std::max_element(logits.begin(), logits.end()) - 1e-5f);
    }
  }
}

TEST_CASE("repetition is penalized over prompt and text", "[eval][decoding]") {
  const auto model = opinionated("dense");
  std::vector<Token> text = model->tokenizer()->encode(prompts[2]);
  const std::size_t begin = text.size();
  const auto result = generate(*model, prompts[2], {.max_new_tokens = 40, .temperature = 0, .repetition_penalty = 3});
  text.insert(text.end(), result.tokens.begin(), result.tokens.end());
  std::size_t changed = 0;
  for (std::size_t t = begin; t < text.size(); ++t) {
    auto logits = model->logits_after(std::span(text).first(t));
    const float plain = *std::max_element(logits.begin(), logits.end());
    changed += logits[text[t]] < plain ? 1 : 0;
    for (Token token = 0; token < 257; ++token)
      if (std::find(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(t), token) !=
          text.begin() + static_cast<std::ptrdiff_t>(t))
        logits[token] *= logits[token] > 0 ? 1 / 3.0f : 3.0f;
    CHECK(logits[text[t]] >= *std::max_element(logits.begin(), logits.end()) - 1e-5f);
  }
  CHECK(changed > 0);
}

TEST_CASE("a sequence's logits are bitwise identical with any batch neighbors", "[eval][decoding]") {
  const std::string architecture = GENERATE("dense", "mixtral", "qwen1.5-moe", "causal-multipl-moe", "lora", "mole");
  const auto weights = GENERATE(DecodingWeights::as_they_are, DecodingWeights::bfloat16);
  const auto model = opinionated(architecture);
  INFO(architecture);
  const auto alone = model->begin_decoding(weights), together = model->begin_decoding(weights);
  const std::vector<std::optional<Language>> rust{Language::rust}, all(8, Language::rust);
  const auto text = model->tokenizer()->encode(prompts[1]);
  const auto languages = languages_of(*model, text);
  const auto expected = alone->join(text, languages);
  for (int mate = 0; mate < 4; ++mate) together->join(model->tokenizer()->encode(prompts[mate % 2 == 0 ? 0 : 2]));
  CHECK(together->join(text, languages) == expected);
  for (int mate = 5; mate < 8; ++mate) together->join(model->tokenizer()->encode("mate"));
  // The sequence is the fifth of eight, then the second of three.
  for (Token token = 60; token < 80; ++token) {
    const bool is_late = token >= 70;
    const std::size_t count = is_late ? 3 : 8, place = is_late ? 1 : 4;
    if (token == 70) together->keep(std::vector<std::int64_t>{6, 4, 0});
    std::vector<Token> tokens;
    for (std::size_t b = 0; b < count; ++b) tokens.push_back(b == place ? token : static_cast<Token>(b + token / 2));
    const auto logits = together->next(tokens, std::span(all).first(count));
    const auto own = std::span(logits).subspan(place * 257, 257);
    const auto lone = alone->next({&token, 1}, rust);
    CHECK(std::equal(own.begin(), own.end(), lone.begin(), lone.end()));
  }
}

TEST_CASE("a prompt's text is the same for any batch size", "[eval][decoding]") {
  const auto model = opinionated("causal-multipl-moe");
  std::vector<std::string> many;
  for (int i = 0; i < 11; ++i)
    many.push_back(prompts[static_cast<std::size_t>(i) % 3] + std::string(1, static_cast<char>('a' + i)));
  const auto tokens = [&](std::int64_t batch_size) {
    std::vector<std::vector<Token>> all;
    for (const Generated& result :
         generate(*model, many, {.max_new_tokens = 20, .temperature = 1.5, .seed = 9, .batch_size = batch_size}))
      all.push_back(result.tokens);
    return all;
  };
  const auto expected = tokens(1);
  CHECK(tokens(2) == expected);
  CHECK(tokens(5) == expected);
  CHECK(tokens(8) == expected);
}

TEST_CASE("copies of the weights in bfloat16 are used if they are exact", "[eval][decoding]") {
  const auto model = opinionated("mixtral");
  const std::vector<Token> text{1, 2, 3};
  const auto after = [&](DecodingWeights weights) { return model->begin_decoding(weights)->join(text); };
  const auto deviation = [](const std::vector<float>& a, const std::vector<float>& b) {
    float largest = 0;
    for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
  };
  const auto own = after(DecodingWeights::as_they_are);
  CHECK(after(DecodingWeights::bfloat16_where_exact) == own);
  CHECK(deviation(after(DecodingWeights::bfloat16), own) > 1e-3f);
  for (const TensorRef& slot : model->tensors())
    for (float& value : slot.floats()) value = static_cast<float>(moe::BFloat16(value));
  const auto rounded = after(DecodingWeights::as_they_are), narrow = after(DecodingWeights::bfloat16);
  CHECK(after(DecodingWeights::bfloat16_where_exact) == narrow);
  CHECK(deviation(narrow, rounded) < 1e-4f);
}

}  // namespace decoding_test
