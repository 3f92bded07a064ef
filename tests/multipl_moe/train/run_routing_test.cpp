/// Routing of a run or of a generated text, recorded and replayed.
#include "multipl_moe/train/run_routing.hpp"

#include <cstring>

#include "moe/core/routing_bytes.hpp"
#include "multipl_moe/eval/generate.hpp"
#include "multipl_moe/eval/observed.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/routing_file.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "support/catch.hpp"
#include "tiny_run.hpp"

namespace run_routing_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

struct Runs {
  TinyRun tiny;
  MoeConfig moe = mixture_named("causal-multipl-moe").value();
  std::filesystem::path file = tiny.scratch / "run.routing";

  Runs() { moe.segment_window = 8; }

  std::unique_ptr<LanguageModel> model(std::uint64_t seed = 4) const {
    const auto dense = make_language_model(tiny_config(), 1);
    dense->initialize(1, 0.05);
    return upcycled(*dense, moe, {.seed = seed});
  }
  TrainOptions options() const {
    TrainOptions options;
    options.steps = 3;
    options.accumulation = 2;
    options.learning_rate = 0.01;
    options.log_every = 0;
    return options;
  }
  void record(LanguageModel& model, const TrainOptions& given) const {
    TrainOptions options = given;
    RecordedRouting recorded(file);
    options.record = &recorded;
    auto stream = tiny.stream();
    train(model, stream, options);
  }
  TrainResult replay(LanguageModel& model, TrainOptions options, std::uint64_t stream_seed = 1) const {
    const ReplayedRouting replayed(file, model.config());
    options.replay = &replayed;
    BatchStream stream(tiny.files, {1, 1, 1, 1, 1, 1}, {.sequences = 2, .length = 32, .seed = stream_seed});
    return train(model, stream, options);
  }
};

/// Compares all weights except thresholds, which a replayed run does not update.
bool same_weights(LanguageModel& a, LanguageModel& b) {
  const auto of_a = a.tensors(), of_b = b.tensors();
  for (std::size_t i = 0; i < of_a.size(); ++i)
    if (!of_a[i].is_buffer && std::memcmp(of_a[i].memory.data(), of_b[i].memory.data(), of_a[i].bytes) != 0)
      return false;
  return of_a.size() == of_b.size();
}

}  // namespace

TEST_CASE("a run that replays its own routing is bitwise identical, with and without activation checkpointing",
          "[train][replay]") {
  const Runs runs;
  const auto first = runs.model();
  runs.record(*first, runs.options());
  const auto records = read_routing(runs.file, first->config());
  CHECK(records.size() == 3 * 2 * 2);
  CHECK(records.front().rows() == 32);
  for (const ActivationCheckpointing checkpointing : {ActivationCheckpointing::off, ActivationCheckpointing::on}) {
    const auto again = runs.model();
    TrainOptions options = runs.options();
    options.checkpointing = checkpointing;
    runs.replay(*again, options);
    CHECK(same_weights(*first, *again));
  }
}

TEST_CASE("a model with other weights uses the replayed routing", "[train][replay]") {
  const Runs runs;
  const auto first = runs.model(), other = runs.model(5);
  runs.record(*first, runs.options());
  const auto records = read_routing(runs.file, first->config());
  const ReplayedRouting replayed(runs.file, first->config());
  RecordedRouting of_other(runs.tiny.scratch / "other.routing"), own(runs.tiny.scratch / "own.routing");
  TrainOptions options = runs.options();
  options.record = &of_other;
  options.replay = &replayed;
  auto stream = runs.tiny.stream();
  train(*other, stream, options);
  CHECK(read_routing(runs.tiny.scratch / "other.routing", first->config()) == records);

  const auto alone = runs.model(5);
  options.record = &own;
  options.replay = nullptr;
  auto again = runs.tiny.stream();
  train(*alone, again, options);
  CHECK(read_routing(runs.tiny.scratch / "own.routing", first->config()) != records);
}

TEST_CASE("routing that generate recorded, at any batch size, is replayed in training", "[train][replay]") {
  const Runs runs;
  const auto model = runs.model();
  const std::vector<std::string> prompts{"def f(", "", "fn main() { let x = 1;", "a"};
  const auto record = [&](std::int64_t batch) {
    moe::RoutingRecorder recorder(std::ssize(prompts));
    const Observed observed(*model, recorder.observer());
    GenerationListener listener;
    listener.routing = &recorder;
    const auto texts =
        generate(*model, prompts, {.max_new_tokens = 7, .temperature = 0, .batch_size = batch}, listener);
    write_routing(runs.file, recorder.records());
    return std::pair(recorder.records(), texts);
  };
  const auto [records, texts] = record(1);
  CHECK(record(3).first == records);
  REQUIRE(records.size() == 4);

  TokenBatch batch;
  for (const char c : prompts[2]) batch.tokens.push_back(static_cast<unsigned char>(c));
  batch.tokens.insert(batch.tokens.end(), texts[2].tokens.begin(), texts[2].tokens.end() - 1);
  batch.sequences = 1;
  batch.length = std::ssize(batch.tokens);
  CHECK(records[2].rows() == batch.length);
  batch.targets = batch.tokens;
  const ReplayedRouting replayed(runs.file, model->config());
  const moe::RoutingReplay replay = replayed.of(batch);

  const auto other = runs.model(5);
  other->begin_training({});
  moe::RoutingRecorder recorder(1);
  recorder.expect(moe::Batch::single(batch.length));
  const Observed observed(*other, recorder.observer());
  Sequences sequences{1, batch.length, batch.tokens, batch.targets, {}, 0, &replay};
  other->accumulate(sequences, 1, {});
  CHECK(recorder.records()[0].levels == records[2].levels);
  other->score(sequences);
  CHECK(recorder.records()[0].levels == records[2].levels);
}

TEST_CASE("a record that does not fit a run is refused without internal names", "[train][replay]") {
  const Runs runs;
  const auto model = runs.model();
  runs.record(*model, runs.options());
  const auto refusal = [&](LanguageModel& of, std::uint64_t seed) {
    try {
      runs.replay(of, runs.options(), seed);
    } catch (const BadFile& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal(*runs.model(), 1).empty());
  CHECK_THAT(refusal(*model, 2), ContainsSubstring("must have a record of the 32 tokens of each sequence"));

  Runs wider;
  wider.moe.num_segment_experts = 5;
  CHECK_THAT(refusal(*wider.model(), 1), ContainsSubstring("must have 5 segment experts in layer 0, found 6"));
  wider.moe = mixture_named("mixtral").value();
  wider.moe.num_token_experts = runs.moe.num_token_experts;
  CHECK_THAT(refusal(*wider.model(), 1), ContainsSubstring("must have the model's"));
  Runs cut;
  cut.moe.segment_window = 32;
  CHECK_THAT(refusal(*cut.model(), 1), ContainsSubstring("are one segment") && !ContainsSubstring("RoutingReplay"));

  std::string bytes = get_bytes(runs.file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  put_bytes(runs.file, bytes);
  CHECK_THAT(refusal(*runs.model(), 1), ContainsSubstring("bytes are missing or were changed"));
}

TEST_CASE("a replayed run resumes only with the same record", "[train][replay]") {
  const Runs runs;
  runs.record(*runs.model(), runs.options());
  TrainOptions options = runs.options();
  options.run = runs.tiny.scratch / "run";
  runs.replay(*runs.model(), options);
  options.start = RunStart::resume;
  CHECK(runs.replay(*runs.model(), options).steps == 3);
  auto stream = runs.tiny.stream();
  const auto model = runs.model();
  CHECK_THROWS_WITH(train(*model, stream, options), ContainsSubstring("--replay-routing: XXH3"));
}

}  // namespace run_routing_test
