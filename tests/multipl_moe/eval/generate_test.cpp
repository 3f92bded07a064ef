#include "multipl_moe/eval/generate.hpp"

#include <algorithm>

#include "../support/wrapped_model.hpp"
#include "../tokenizer/golden_tokenizer.hpp"
#include "../train/tiny_run.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace eval_generate_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;

namespace {

/// A model that repeats `text`: the last byte alone determines the next one, so all bytes of `text` must differ.
std::unique_ptr<LanguageModel> parrot(std::string_view text) {
  auto model = make_language_model(tiny_config(), 1);
  for (const TensorRef& slot : model->tensors()) {
    const auto is = [&](const char* name) { return slot.name == name; };
    if (is("model.embed_tokens.weight") || is("lm_head.weight"))
      for (std::size_t i = 0; i < text.size(); ++i) {
        const std::size_t byte =
            static_cast<unsigned char>(is("lm_head.weight") ? text[(i + 1) % text.size()] : text[i]);
        slot.floats()[byte * 16 + i] = is("lm_head.weight") ? 20.0f : 1.0f;
      }
  }
  return model;
}

/// A model that records the language of each token and the number of sequences per decoding step.
class Listener final : public WrappedModel {
 public:
  using WrappedModel::WrappedModel;

  mutable std::string heard;                  ///< one letter per token: the first of the language's name, or . for none
  mutable std::vector<std::size_t> together;  ///< sequences in each step

  std::unique_ptr<Decoding> begin_decoding(DecodingWeights weights) const override {
    return std::make_unique<Noting>(WrappedModel::begin_decoding(weights), *this);
  }

 private:
  class Noting final : public Decoding {
   public:
    Noting(std::unique_ptr<Decoding> inner, const Listener& listener) : inner_(std::move(inner)), listener_(listener) {}
    std::vector<float> join(std::span<const Token> text, std::span<const std::optional<Language>> languages) override {
      note(languages);
      return inner_->join(text, languages);
    }
    std::vector<float> next(std::span<const Token> tokens,
                            std::span<const std::optional<Language>> languages) override {
      note(languages);
      listener_.together.push_back(tokens.size());
      return inner_->next(tokens, languages);
    }
    void keep(std::span<const std::int64_t> sequences) override { inner_->keep(sequences); }

   private:
    void note(std::span<const std::optional<Language>> languages) {
      for (const auto& language : languages) listener_.heard += language ? name_of(*language)[0] : '.';
    }
    std::unique_ptr<Decoding> inner_;
    const Listener& listener_;
  };
};

}  // namespace

TEST_CASE("fences in the prompt and in the output determine the language of each token", "[eval]") {
  const Listener model(parrot("`\nb"));
  // The model continues a line end with b, and b with a backtick.
  generate(model, "a\n```go\n", {.max_new_tokens = 4, .temperature = 0});
  CHECK(model.heard == ".......gggg");
  model.heard.clear();
  generate(model, "~~~go\nx\n~~~\n", {.max_new_tokens = 1, .language = Language::rust});
  CHECK(model.heard == "rrrrrggggggr");
  model.heard.clear();
  generate(model, "", {.max_new_tokens = 1});
  CHECK(model.heard == ".");
}

TEST_CASE("generation continues a prompt, token by token", "[eval]") {
  const auto model = parrot("abcd\n");
  CHECK(generate(*model, "xab", {.max_new_tokens = 8, .temperature = 0}).text == "cd\nabcd\n");
  CHECK(generate(*model, "a", {.max_new_tokens = 0}).text.empty());
}

TEST_CASE("a stop text ends the output, is not part of it and is never shown in part", "[eval]") {
  const auto model = parrot("abcd\n");
  std::string shown;
  const Generated stopped = generate(*model, "a", {.max_new_tokens = 50, .temperature = 0, .stop = {"zz", "d\na"}},
                                     [&](std::string_view piece) { shown += piece; });
  CHECK(stopped.text == "bc");
  CHECK(stopped.finish_reason == FinishReason::stop);
  CHECK(stopped.tokens == std::vector<Token>{'b', 'c', 'd', '\n', 'a'});
  CHECK(shown == stopped.text);
  shown.clear();
  CHECK(generate(*model, "a", {.max_new_tokens = 4, .temperature = 0, .stop = {"d\nx"}}, [&](std::string_view piece) {
          shown += piece;
        }).text == "bcd\n");
  CHECK(shown == "bcd\n");
}

TEST_CASE("the same seed gives the same text", "[eval]") {
  TinyRun run;
  const GenerateOptions options{.max_new_tokens = 40, .temperature = 1, .top_p = 1, .seed = 3};
  const std::vector<Token> tokens = generate(*run.model, "def ", options).tokens;
  CHECK(generate(*run.model, "def ", options).tokens == tokens);
  GenerateOptions other = options;
  other.seed = 4;
  CHECK(generate(*run.model, "def ", other).tokens != tokens);
  // Every prompt has its own random numbers.
  const std::vector<std::string> twice{"def ", "def "};
  const auto results = generate(*run.model, twice, options);
  CHECK(results[0].tokens == tokens);
  CHECK(results[1].tokens != tokens);
}

TEST_CASE("suppressed tokens do not occur, and length limits hold", "[eval]") {
  const auto model = parrot("abcd\n");
  const auto said = [&](GenerateOptions options) {
    options.temperature = 0;
    if (!options.max_new_tokens && !options.usual_new_tokens && !options.usual_length) options.max_new_tokens = 5;
    return generate(*model, "a", options).text;
  };
  CHECK(said({}) == "bcd\na");
  // Another token replaces each suppressed one, and the model continues from there.
  CHECK(said({.suppress_tokens = std::vector<Token>{'c'}}).find('c') == std::string::npos);
  const std::string later = said({.begin_suppress_tokens = std::vector<Token>{'b'}});
  CHECK(later.front() != 'b');
  const std::vector<Token> end{'c'};
  CHECK(said({.end_tokens = end}) == "b");
  CHECK(said({.end_tokens = end, .min_new_tokens = 3}).size() >= 3);
  CHECK(said({.end_tokens = end, .min_length = 2}) == "b");
  CHECK(said({.end_tokens = end, .min_length = 4}).size() >= 3);
  GenerateOptions once{.max_new_tokens = 12, .no_repeat_ngram_size = 2};
  const std::string text = "a" + said(once);
  for (std::size_t i = 0; i + 2 <= text.size(); ++i) CHECK(text.find(text.substr(i, 2), i + 1) == std::string::npos);
  CHECK(said({.usual_new_tokens = 3}) == "bcd");
  CHECK(said({.usual_length = 3}) == "bc");
  CHECK(said({.max_new_tokens = 4, .usual_length = 1}) == "bcd\n");
  CHECK_THROWS_AS(said({.usual_length = 1}), UsageError);
  CHECK_THROWS_AS(said({.suppress_tokens = std::vector<Token>{100'000}}), UsageError);
  CHECK_THROWS_AS(said({.min_new_tokens = -1}), UsageError);
}

TEST_CASE("a stop text that is a special token's name stops at that token", "[eval]") {
  // With the tokens of a BPE tokenizer; the model repeats x, the special token and y.
  auto tokenizer =
      std::make_shared<const BpeTokenizer>(parse_tokenizer_json(golden_text("tokenizer.json"), "golden/t"), "golden/t");
  const auto named = tokenizer->split_at_special("<|im_end|>");
  REQUIRE(named.size() == 1);
  REQUIRE(named[0].special.has_value());
  ModelConfig config = tiny_config();
  config.vocab_size = tokenizer->vocab_size();
  auto model = make_language_model(config, 1);
  model->use_tokenizer(tokenizer);
  const std::vector<Token> turn{tokenizer->encode("x")[0], *named[0].special, tokenizer->encode("y")[0]};
  const auto width = static_cast<std::size_t>(config.hidden_size);
  for (const TensorRef& slot : model->tensors())
    for (std::size_t i = 0; i < 3; ++i) {
      if (slot.name == "model.embed_tokens.weight") slot.floats()[turn[i] * width + i] = 1;
      if (slot.name == "lm_head.weight") slot.floats()[turn[(i + 1) % 3] * width + i] = 20;
    }
  const GenerateOptions options{.max_new_tokens = 6, .temperature = 0};
  const auto stopped = [&](const std::string& stop, const std::string& prompt) {
    GenerateOptions with = options;
    with.stop = {stop};
    return generate(*model, prompt, with);
  };
  CHECK(generate(*model, "y", options).text == "xyxy");
  for (const char* stop : {"<|im_end|>", "x<|im_end|>", "<|im_end|>y"}) {
    INFO(stop);
    const Generated result = stopped(stop, "y");
    CHECK(result.finish_reason == FinishReason::stop);
    CHECK(result.text == (std::string(stop).front() == 'x' ? "" : "x"));
    CHECK(result.tokens.size() == (std::string(stop).back() == 'y' ? 3 : 2));
  }
  // A part of the name is ordinary text, which the model does not generate.
  CHECK(stopped("im_end", "y").finish_reason == FinishReason::length);
  CHECK(stopped("<|im_end|>x", "y").text == "xyxy");
  // In a batch each text stops independently.
  GenerateOptions batch = options;
  batch.stop = {"<|im_end|>"};
  const std::vector<std::string> prompts{"x", "y", "x"};
  const auto results = generate(*model, prompts, batch);
  CHECK(results[0].text.empty());
  CHECK(results[1].text == "x");
  CHECK(results[2].finish_reason == FinishReason::stop);
}

TEST_CASE("options out of their range are refused", "[eval]") {
  const auto model = parrot("ab");
  for (const GenerateOptions& options :
       {GenerateOptions{.temperature = -1}, GenerateOptions{.top_p = 0}, GenerateOptions{.top_p = 1.5},
        GenerateOptions{.max_new_tokens = -1}, GenerateOptions{.top_k = -1}, GenerateOptions{.repetition_penalty = 0},
        GenerateOptions{.stop = {""}}, GenerateOptions{.batch_size = 0}})
    CHECK_THROWS_AS(generate(*model, "a", options), UsageError);
}

TEST_CASE("a flag overrides the file, which overrides the default", "[eval]") {
  GenerateOptions flags{.max_new_tokens = 4, .temperature = 0, .seed = 3};
  flags.fill_from({.eos_token_id = {'c'}, .temperature = 2, .top_p = 0.5});
  CHECK(flags.temperature == 0);
  CHECK(flags.top_p == 0.5);
  CHECK(flags.seed == 3);
  GenerateOptions lengths{.stop = {"own"}};
  lengths.fill_from({.max_new_tokens = 7,
                     .min_new_tokens = 2,
                     .max_length = 9,
                     .min_length = 3,
                     .no_repeat_ngram_size = 4,
                     .suppress_tokens = {5},
                     .begin_suppress_tokens = {6},
                     .stop_strings = {"file"}});
  CHECK(lengths.usual_new_tokens == 7);
  CHECK(lengths.usual_length == 9);
  CHECK_FALSE(lengths.max_new_tokens.has_value());
  CHECK(lengths.min_new_tokens == 2);
  CHECK(lengths.min_length == 3);
  CHECK(lengths.no_repeat_ngram_size == 4);
  CHECK(lengths.suppress_tokens == std::vector<Token>{5});
  CHECK(lengths.begin_suppress_tokens == std::vector<Token>{6});
  CHECK(lengths.stop == std::vector<std::string>{"own"});
  GenerateOptions none;
  none.fill_from({.do_sample = false, .top_p = 0.0, .top_k = -3, .stop_strings = {"file"}});
  CHECK(none.temperature == 0.0);
  CHECK_FALSE(none.top_p.has_value());
  CHECK_FALSE(none.top_k.has_value());
  CHECK(none.stop == std::vector<std::string>{"file"});
  CHECK_FALSE(flags.top_k.has_value());
  const auto model = parrot("abcd\n");
  const Generated ended = generate(*model, "a", flags);
  CHECK(ended.text == "b");
  CHECK(ended.tokens == std::vector<Token>{'b', 'c'});
  CHECK(ended.finish_reason == FinishReason::end_of_text);
  CHECK(generate(*model, "c", flags).tokens.size() == 4);
  CHECK(generate(*model, "c", {.temperature = 0}).tokens.size() == 200);
  GenerateOptions greedy;
  greedy.fill_from({.do_sample = false, .temperature = 2});
  CHECK(greedy.temperature == 0);
}

TEST_CASE("a text that exceeds the context is refused before anything is computed", "[eval]") {
  ModelConfig config = tiny_config();
  config.max_position_embeddings = 10;
  const Listener model(make_language_model(config, 1));
  const std::vector<std::string> prompts{"ab", "abcdefg"};
  CHECK_THROWS_WITH(generate(model, prompts, {.max_new_tokens = 4}),
                    "[generate] a prompt and max-new-tokens must fit into the model's max_position_embeddings, 10, "
                    "found 7 tokens of prompt 2 and 4");
  CHECK(model.heard.empty());
  // Without max_new_tokens, as many tokens are generated as fit; a prompt that fills the context leaves none.
  const auto fitted = generate(model, prompts, {.temperature = 0});
  CHECK(fitted[0].tokens.size() == 8);
  CHECK(fitted[1].tokens.size() == 3);
  CHECK_THROWS_AS(generate(model, "0123456789", {}), UsageError);
  CHECK_NOTHROW(generate(model, "0123456789", {.max_new_tokens = 0}));
}

TEST_CASE("prompts are decoded in a batch, and the next prompt joins when one has ended", "[eval]") {
  const Listener model(parrot("abcd\n"));
  const std::vector<std::string> prompts{"a", "xxab", "c", "", "d"};
  std::vector<std::string> pieces(prompts.size());
  std::vector<std::size_t> done;
  GenerationListener listener{.piece = [&](std::size_t prompt, std::string_view piece) { pieces[prompt] += piece; },
                              .done = [&](std::size_t prompt, const Generated&) { done.push_back(prompt); }};
  GenerationSpeed speed;
  const auto results = generate(
      model, prompts, {.max_new_tokens = 6, .temperature = 0, .stop = {"\n"}, .batch_size = 2}, listener, &speed);
  REQUIRE(results.size() == 5);
  CHECK(results[0].text == "bcd");
  CHECK(results[1].text == "cd");
  CHECK(results[2].text == "d");
  CHECK(results[4].text.empty());
  CHECK(results[4].finish_reason == FinishReason::stop);
  for (std::size_t i = 0; i < 5; ++i) CHECK(pieces[i] == results[i].text);
  CHECK(done.size() == 5);
  CHECK(done[0] == 1);
  CHECK(*std::max_element(model.together.begin(), model.together.end()) == 2);
  CHECK(speed.prefill_tokens == 1 + 4 + 1 + 1 + 1);
  std::int64_t drawn = 0;
  for (const Generated& result : results) drawn += static_cast<std::int64_t>(result.tokens.size());
  CHECK(speed.decoded_tokens == drawn - 5);
}

}  // namespace eval_generate_test
