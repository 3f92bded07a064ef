#include "multipl_moe/eval/causality.hpp"

#include "../support/wrapped_model.hpp"
#include "../train/tiny_run.hpp"
#include "multipl_moe/data/evaluation_text.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace causality_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;
using moe::testing::is_slow_build;

namespace {

/// A mixture of random weights, with segments of 8 tokens.
std::unique_ptr<LanguageModel> random_mixture(const std::string& architecture, ModelDtype dtype = ModelDtype::float32) {
  ModelConfig config = tiny_config();
  config.moe = mixture_named(architecture, config.intermediate_size);
  if (config.moe && config.moe->num_segment_experts > 0) config.moe->segment_window = 8;
  auto model = make_language_model(config, 2, dtype);
  model->initialize(7, 0.4);
  return model;
}

/// Causal by design, but the token after next of every sequence is known one token early.
class PeekingModel final : public WrappedModel {
 public:
  using WrappedModel::WrappedModel;
  TokenScores score(const Sequences& batch) const override {
    TokenScores scores = WrappedModel::score(batch);
    for (std::int64_t b = 0; b < batch.count; ++b)
      for (std::int64_t t = 0; t + 1 < batch.length; ++t) {
        const auto place = static_cast<std::size_t>(b * batch.length + t);
        scores.losses[place] += batch.tokens[place + 1] % 3 == 0 ? 0.5 : 0;
      }
    return scores;
  }
};

/// The beginning of a text in two languages.
struct Texts {
  CausalityOptions options{.sequences = 4, .length = 32};
  std::vector<SuffixText> texts;
  Texts() {
    const std::string source = "def area(width, height):\n    return width * height\n";
    for (const Language language : {Language::python, Language::ruby}) {
      SuffixText text{.name = std::string(title_of(language)), .tokens = {}, .targets = {}, .languages = {language}};
      text.tokens.assign(source.begin(), source.begin() + 32);
      text.targets.assign(source.begin() + 1, source.begin() + 33);
      texts.push_back(std::move(text));
    }
  }
};

}  // namespace

TEST_CASE("no prediction of a causal model changes by a bit, in any dtype and batch size", "[eval][causality]") {
  const Texts read;
  for (const ModelDtype dtype : {ModelDtype::float32, ModelDtype::bfloat16})
    for (const char* architecture : {"dense", "lora", "mole", "gshard", "mixtral", "qwen1.5-moe", "causal-multipl-moe",
                                     "multipl-moe-without-segments"}) {
      const auto model = random_mixture(architecture, dtype);
      for (const std::int64_t sequences : {1, 4, 9}) {
        if (is_slow_build && sequences == 9) continue;
        INFO(architecture << " " << name_of(dtype) << " " << sequences);
        const Causality causality = measure_causality(*model, read.texts, {sequences, 32});
        CHECK(causality.is_by_design);
        CHECK(causality.changes.largest == 0);
        CHECK(causality.changes.compared > 30);
        require_causality("eval", causality);
        CHECK(look_ahead_text(causality).empty());
      }
    }
}

TEST_CASE("a model whose segments are routed by their own tokens changes its predictions", "[eval][causality]") {
  const Texts read;
  for (const char* architecture : {"multipl-moe", "multipl-moe-literal", "multipl-moe-released"}) {
    INFO(architecture);
    const Causality causality = measure_causality(*random_mixture(architecture), read.texts, read.options);
    CHECK_FALSE(causality.is_by_design);
    CHECK(causality.changes.share() > 0.1);
    // It is known to look ahead, so this is said, and is no error.
    require_causality("eval", causality);
    CHECK_THAT(look_ahead_text(causality),
               ContainsSubstring("not scores") && ContainsSubstring("% of 102 predictions"));
  }
  const Causality short_text = measure_causality(*random_mixture("multipl-moe"), read.texts, {4, 1});
  CHECK(short_text.changes.compared == 0);
  CHECK_THAT(look_ahead_text(short_text), ContainsSubstring("a single token"));
}

TEST_CASE("a model that is causal by design and looks one token ahead is an error with a place", "[eval][causality]") {
  const Texts read;
  const PeekingModel model(random_mixture("causal-multipl-moe"));
  const Causality causality = measure_causality(model, read.texts, read.options);
  // Of the predictions before a cut the last one alone has seen a token behind it.
  CHECK(causality.changes.changed >= 1);
  CHECK(causality.changes.changed <= 12);
  CHECK(causality.changes.position == causality.changes.cut - 1);
  try {
    require_causality("eval", causality);
    FAIL("no error");
  } catch (const Failure& error) {
    CHECK(error.exit_code() == 1);
    CHECK_THAT(error.what(), ContainsSubstring("[eval]") && ContainsSubstring("by 0.5 nats") &&
                                 ContainsSubstring("must not depend on later tokens") &&
                                 ContainsSubstring("please report"));
  }
}

TEST_CASE("the texts of a check are the first sequence of each language", "[eval][causality]") {
  const TinyRun run;
  const auto test = open_language_files(run.scratch / "data", "test", ByteTokenizer().hash());
  const auto texts = suffix_texts(test, {.sequences = 4, .length = 32}, *run.model->tokenizer());
  REQUIRE(texts.size() == language_count);
  for (const Language language : all_languages) {
    const SuffixText& text = texts[index_of(language)];
    CHECK(text.name == title_of(language));
    CHECK(text.languages == std::vector{language});
    const EvaluationText first = evaluation_text(*test[index_of(language)], 32, {.sequences = 1}, ByteTokenizer());
    CHECK(text.tokens == first.tokens);
    CHECK(text.targets == first.targets);
  }
}

}  // namespace causality_test
