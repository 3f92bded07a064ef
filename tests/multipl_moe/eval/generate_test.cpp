#include "multipl_moe/eval/generate.hpp"

#include <cmath>
#include <map>

#include "../support/wrapped_model.hpp"
#include "../train/tiny_run.hpp"
#include "moe/core/random.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

/// A model that says `text` over and over, whatever came before but the last byte: all bytes of `text` differ.
std::unique_ptr<LanguageModel> parrot(std::string_view text) {
  auto model = make_language_model(tiny_config(), 1);
  for (const TensorSlot& slot : model->tensors()) {
    const auto is = [&](const char* name) { return slot.name == name; };
    if (is("model.embed_tokens.weight") || is("lm_head.weight"))
      for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t byte =
            static_cast<unsigned char>(is("lm_head.weight") ? text[(i + 1) % text.size()] : text[i]);
        slot.values[byte * 16 + i] = is("lm_head.weight") ? 20.0f : 1.0f;
      }
  }
  return model;
}

/// A model that notes in which language each token is read.
class Listener final : public WrappedModel {
 public:
  using WrappedModel::WrappedModel;

  mutable std::string heard;  ///< a letter a token: that of the language's name, or . for none

  std::unique_ptr<Decoding> begin_decoding() const override {
    return std::make_unique<Noting>(WrappedModel::begin_decoding(), heard);
  }

 private:
  class Noting final : public Decoding {
   public:
    Noting(std::unique_ptr<Decoding> inner, std::string& heard) : inner_(std::move(inner)), heard_(heard) {}
    std::vector<float> next(Token token, std::optional<Language> language) override {
      heard_ += language ? name_of(*language)[0] : '.';
      return inner_->next(token, language);
    }

   private:
    std::unique_ptr<Decoding> inner_;
    std::string& heard_;
  };
};

}  // namespace

TEST_CASE("fences in prompt and answer say in which language a token is", "[eval]") {
  const Listener model(parrot("`\nb"));
  // The model answers a line end with b, and b with a backtick.
  generate(model, "a\n```go\n", {.max_new_tokens = 4, .temperature = 0, .stop = {}});
  CHECK(model.heard == ".......gggg");
  model.heard.clear();
  generate(model, "~~~go\nx\n~~~\n", {.max_new_tokens = 1, .stop = {}, .language = Language::rust});
  CHECK(model.heard == "rrrrrggggggr");
  model.heard.clear();
  generate(model, "", {.max_new_tokens = 1, .stop = {}});
  CHECK(model.heard == ".");
}

TEST_CASE("generation continues a prompt, token by token", "[eval]") {
  const auto model = parrot("abcd\n");
  CHECK(generate(*model, "xab", {.max_new_tokens = 8, .temperature = 0, .stop = {}}) == "cd\nabcd\n");
  CHECK(generate(*model, "a", {.max_new_tokens = 0, .stop = {}}).empty());
}

TEST_CASE("a stop text ends the output, is no part of it and is never shown in part", "[eval]") {
  const auto model = parrot("abcd\n");
  std::string shown;
  const std::string text = generate(*model, "a", {.max_new_tokens = 50, .temperature = 0, .stop = {"zz", "d\na"}},
                                    [&](std::string_view piece) { shown += piece; });
  CHECK(text == "bc");
  CHECK(shown == text);
  shown.clear();
  CHECK(generate(*model, "a", {.max_new_tokens = 4, .temperature = 0, .stop = {"d\nx"}},
                 [&](std::string_view piece) { shown += piece; }) == "bcd\n");
  CHECK(shown == "bcd\n");
}

TEST_CASE("the same seed gives the same text", "[eval]") {
  TinyRun run;
  const GenerateOptions options{.max_new_tokens = 40, .temperature = 1, .top_p = 1, .seed = 3, .stop = {}};
  const std::string text = generate(*run.model, "def ", options);
  CHECK(generate(*run.model, "def ", options) == text);
  GenerateOptions other = options;
  other.seed = 4;
  CHECK(generate(*run.model, "def ", other) != text);
}

TEST_CASE("draws follow the softmax at the temperature, cut to top-p", "[eval]") {
  const std::vector<float> logits{0, std::log(2.0f), std::log(5.0f)};
  std::map<Token, int> count;
  for (std::uint64_t i = 0; i < 8000; ++i) ++count[sample(logits, 1, 1, moe::random_uniform({1}, i))];
  CHECK(count[2] == Catch::Approx(5000).epsilon(0.05));
  CHECK(count[1] == Catch::Approx(2000).epsilon(0.08));
  CHECK(count[0] == Catch::Approx(1000).epsilon(0.12));
  for (std::uint64_t i = 0; i < 100; ++i) {
    CHECK(sample(logits, 1, 0.8, moe::random_uniform({2}, i)) != 0);
    CHECK(sample(logits, 1, 0.6, moe::random_uniform({2}, i)) == 2);
    CHECK(sample(logits, 0, 1, moe::random_uniform({2}, i)) == 2);
  }
}

TEST_CASE("logits that are not finite end the generation", "[eval]") {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY})
    for (const double temperature : {0.0, 1.0}) CHECK_THROWS_AS(sample({0, bad, 1}, temperature, 0.9, 0.5), NonFinite);
}

TEST_CASE("options out of their range are refused", "[eval]") {
  const auto model = parrot("ab");
  for (GenerateOptions options : {GenerateOptions{.temperature = -1, .stop = {}},
                                  GenerateOptions{.top_p = 0, .stop = {}}, GenerateOptions{.top_p = 1.5, .stop = {}},
                                  GenerateOptions{.max_new_tokens = -1, .stop = {}}, GenerateOptions{.stop = {""}}})
    CHECK_THROWS_AS(generate(*model, "a", options), UsageError);
}
