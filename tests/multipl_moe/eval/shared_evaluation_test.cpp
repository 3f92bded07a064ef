/// An evaluation on several ranks, which are threads here, compared with that of one process.
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "../support/wrapped_model.hpp"
#include "../train/shared_run.hpp"
#include "multipl_moe/cli/tables.hpp"
#include "multipl_moe/eval/evaluate.hpp"
#include "support/catch.hpp"
#include "support/thread_comm.hpp"

namespace shared_evaluation_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::ThreadComm;

namespace {

/// Counts the batches that it scores.
class CountingModel final : public WrappedModel {
 public:
  CountingModel(std::unique_ptr<LanguageModel> inner, int& batches)
      : WrappedModel(std::move(inner)), batches_(batches) {}
  TokenScores score(const Sequences& batch) const override {
    ++batches_;
    return WrappedModel::score(batch);
  }

 private:
  int& batches_;
};

std::string text_of(const Evaluation& evaluation) {
  return evaluation_table(evaluation) + evaluation_json(evaluation, {});
}

/// The bits of all scores.
std::vector<double> values_of(const Evaluation& evaluation) {
  std::vector<double> values;
  for (const auto& score : evaluation)
    if (score)
      values.insert(values.end(),
                    {score->loss, score->bits_per_byte, score->accuracy, static_cast<double>(score->tokens)});
  return values;
}

}  // namespace

TEST_CASE("an evaluation on any number of ranks has the bits of one process, on every rank", "[eval][ranks]") {
  for (const char* architecture : {"causal-multipl-moe", "multipl-moe"}) {
    INFO(architecture);
    const SharedRun run(architecture);
    const LanguageFiles files = open_language_files(run.tiny.scratch / "data", "test", ByteTokenizer().hash());
    // Five sequences of a language are two batches of two and one of one.
    const EvaluateOptions options{.sequences = 2, .length = 32, .max_bytes = 0, .max_sequences = 5};
    int batches = 0;
    const Evaluation alone = evaluate(CountingModel(run.start(), batches), files, options);
    REQUIRE(values_of(alone).size() == 4 * language_count);
    REQUIRE(batches > 8);
    for (const int ranks : {1, 2, 3, 4, 5}) {
      INFO(ranks << " ranks");
      std::vector<int> here(static_cast<std::size_t>(ranks));
      std::vector<Evaluation> results(here.size());
      moe::testing::run_ranks(ranks, [&](ThreadComm comm) {
        const auto rank = static_cast<std::size_t>(comm.rank());
        const RunRanks shared(moe::ranks_over<moe::Cpu<>>(std::move(comm)));
        results[rank] = evaluate(CountingModel(run.start(), here[rank]), files, options, &shared);
      });
      int sum = 0;
      for (std::size_t rank = 0; rank < here.size(); ++rank) {
        CHECK(values_of(results[rank]) == values_of(alone));
        CHECK(text_of(results[rank]) == text_of(alone));
        // Batches are dealt in turn.
        CHECK((here[rank] == batches / ranks || here[rank] == batches / ranks + 1));
        sum += here[rank];
      }
      CHECK(sum == batches);
    }
  }
}

TEST_CASE("an error of one rank ends the evaluation of all", "[eval][ranks]") {
  class Failing final : public WrappedModel {
   public:
    using WrappedModel::WrappedModel;
    TokenScores score(const Sequences&) const override { throw std::runtime_error("planted"); }
  };
  const SharedRun run;
  const LanguageFiles files = open_language_files(run.tiny.scratch / "data", "test", ByteTokenizer().hash());
  const auto errors = moe::testing::ends_of_ranks(3, [&](ThreadComm comm) {
    auto model = run.start();
    if (comm.rank() == 1) model = std::make_unique<Failing>(std::move(model));
    const RunRanks shared(moe::ranks_over<moe::Cpu<>>(std::move(comm)));
    evaluate(*model, files, {.sequences = 2, .length = 32, .max_sequences = 2}, &shared);
  });
  CHECK(moe::testing::text_of(errors[1]) == "planted");
  for (const std::size_t rank : {std::size_t{0}, std::size_t{2}})
    CHECK_THAT(moe::testing::text_of(errors[rank]), Catch::Matchers::ContainsSubstring("rank 1 has ended"));
}

}  // namespace shared_evaluation_test
