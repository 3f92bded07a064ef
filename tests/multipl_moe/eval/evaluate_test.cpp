#include "multipl_moe/eval/evaluate.hpp"

#include <algorithm>
#include <cmath>

#include "../train/tiny_run.hpp"
#include "support/catch.hpp"

namespace evaluate_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Approx;

TEST_CASE("a model of zero weights needs log2(257) bits per byte, and a little more for ends of text", "[eval]") {
  TinyRun run;
  for (const TensorRef& slot : run.model->tensors()) std::fill(slot.floats().begin(), slot.floats().end(), 0.0f);
  const auto test = open_language_files(run.scratch / "data", "test", ByteTokenizer().hash());
  const Evaluation evaluation = evaluate(*run.model, test, {.sequences = 3, .length = 32});
  for (const Language language : all_languages) {
    const auto& score = evaluation[index_of(language)];
    REQUIRE(score);
    CHECK(score->loss == Approx(std::log(257)));
    CHECK(score->bits_per_byte >= Approx(std::log2(257)));
    CHECK(score->bits_per_byte < 1.05 * std::log2(257));
    CHECK(score->tokens % 32 == 0);
  }
  CHECK(mean_bits_per_byte(evaluation, Resource::high) >= Approx(std::log2(257)));
}

TEST_CASE("a limit on sequences takes the first ones of each language", "[eval]") {
  TinyRun run;
  const auto test = open_language_files(run.scratch / "data", "test", ByteTokenizer().hash());
  const Evaluation two = evaluate(*run.model, test, {.sequences = 4, .length = 32, .max_sequences = 2});
  for (const Language language : all_languages) {
    REQUIRE(two[index_of(language)]);
    CHECK(two[index_of(language)]->tokens == 64);
    const EvaluationText text =
        evaluation_text(*test[index_of(language)], 32, {.sequences = 2}, *run.model->tokenizer());
    const EvaluationText all = evaluation_text(*test[index_of(language)], 32, {}, *run.model->tokenizer());
    CHECK(text.sequences == 2);
    CHECK(all.sequences > 2);
    CHECK(std::equal(text.targets.begin(), text.targets.end(), all.targets.begin()));
  }
}

TEST_CASE("means cover the languages that have a score, and are NaN without any", "[eval]") {
  Evaluation evaluation;
  evaluation[index_of(Language::python)] = LanguageScore{0, 2, 0, 0};
  evaluation[index_of(Language::cpp)] = LanguageScore{0, 4, 0, 0};
  CHECK(mean_bits_per_byte(evaluation, Resource::high) == 3);
  CHECK(std::isnan(mean_bits_per_byte(evaluation, Resource::low)));
}

TEST_CASE("the batch size does not change the results of a causal model", "[eval]") {
  TinyRun run;
  const auto test = open_language_files(run.scratch / "data", "test", ByteTokenizer().hash());
  const Evaluation a = evaluate(*run.model, test, {.sequences = 1, .length = 32});
  const Evaluation b = evaluate(*run.model, test, {.sequences = 5, .length = 32});
  for (std::size_t i = 0; i < a.size(); ++i) CHECK(a[i]->loss == Approx(b[i]->loss).epsilon(1e-5));
}

}  // namespace evaluate_test
