/// The planned exchanges of a run, compared with the counters of real runs on ranks that are threads.
#include "multipl_moe/train/exchange_plan.hpp"

#include <map>
#include <mutex>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/ranks_over.hpp"
#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/model/run_ranks.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"
#include "support/thread_comm.hpp"
#include "tiny_run.hpp"

namespace exchange_plan_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::is_slow_build;
using moe::testing::run_ranks;
using moe::testing::ThreadComm;
using enum moe::MasterWeights;

namespace {

/// Calls, bytes, announcements and their bytes.
using Counters = std::array<std::int64_t, 4>;
using BySite = std::map<std::string, Counters>;

BySite counters_of(const RunRanks& ranks) {
  BySite counters;
  for (const auto& [site, traffic] : ranks.library()->traffic())
    counters[site] = {traffic.calls, traffic.bytes, traffic.announcements, traffic.announced_bytes};
  return counters;
}

void add(BySite& counters, const std::vector<PlannedExchange>& exchanges, int process, std::int64_t times) {
  for (const PlannedExchange& exchange : exchanges) {
    const moe::Traffic one = exchange.traffic_of(process);
    Counters& sum = counters[exchange.site];
    sum[0] += times * one.calls;
    sum[1] += times * one.bytes;
    sum[2] += times * one.announcements;
    sum[3] += times * one.announced_bytes;
  }
}

struct Case {
  ModelConfig config = tiny_config();
  int ranks = 2;
  std::int64_t micro_batches = 4, slots = 2, steps = 5, save_every = 2, eval_every = 2;
  ModelDtype dtype = ModelDtype::float32;
  AdamWPrecision precision{};
  std::optional<moe::TrainByName> trains{};
  bool has_folder = true;
  bool is_random = true;

  static Case of(const char* architecture, int ranks = 2) {
    Case run{.ranks = ranks, .micro_batches = 2 * ranks, .slots = ranks};
    run.config.moe = mixture_named(architecture, run.config.intermediate_size).value();
    return run;
  }
  moe::TrainByName weights() const { return trains ? *trains : post_training_weights(config); }
};

class Runs {
 public:
  /// What each rank has counted.
  std::vector<BySite> counted(const Case& run, RunStart start = RunStart::replace) const {
    std::vector<BySite> counters(static_cast<std::size_t>(run.ranks));
    run_ranks(run.ranks, [&](ThreadComm comm) {
      const auto rank = static_cast<std::size_t>(comm.rank());
      const auto ranks = std::make_shared<RunRanks>(moe::ranks_over<moe::Cpu<>>(std::move(comm)));
      TrainOptions options;
      options.steps = run.steps;
      options.accumulation = run.micro_batches;
      options.gradient_slots = run.slots;
      options.log_every = 0;
      options.save_every = run.save_every;
      options.eval_every = run.eval_every;
      options.held_out = held_out();
      options.evaluation = {.sequences = 2, .length = 16, .max_bytes = 0, .max_sequences = 1};
      options.precision = run.precision;
      options.trains = run.weights();
      options.start = start;
      options.ranks = ranks;
      if (run.has_folder) options.run = tiny_.scratch / "run";
      const auto model = make_language_model(run.config, 1, run.dtype);
      if (run.is_random) model->initialize(3, 0.05);
      BatchStream stream(tiny_.files, {1, 1, 1, 1, 1, 1}, {.sequences = 1, .length = 16, .seed = 1});
      const TrainResult result = train(*model, stream, options);
      REQUIRE(result.skipped == 0);
      counters[rank] = counters_of(*ranks);
    });
    return counters;
  }
  LanguageFiles held_out() const { return open_language_files(tiny_.scratch / "data", "dev", ByteTokenizer().hash()); }
  ExchangePlan plan(const Case& run) const {
    const LanguageFiles files = held_out();
    const auto languages = std::count_if(files.begin(), files.end(), [](const auto& file) { return file != nullptr; });
    return exchange_plan(run.config, run.weights(),
                         {.processes = run.ranks,
                          .micro_batches = run.micro_batches,
                          .slots = run.slots,
                          .precision = run.precision,
                          .dtype = run.dtype,
                          .held_out_languages = languages});
  }
  void check(const Case& run) const {
    const std::vector<BySite> counters = counted(run);
    const ExchangePlan plan = this->plan(run);
    for (int rank = 0; rank < run.ranks; ++rank) {
      INFO("rank " << rank << " of " << run.ranks);
      BySite planned;
      add(planned, plan.start, rank, 1);
      add(planned, plan.step, rank, run.steps);
      if (run.eval_every > 0) add(planned, plan.evaluation, rank, run.steps / run.eval_every);
      if (run.has_folder) add(planned, plan.save, rank, (run.steps + run.save_every - 1) / run.save_every);
      CHECK(counters[static_cast<std::size_t>(rank)] == planned);
    }
  }

 private:
  TinyRun tiny_;
};

}  // namespace

TEST_CASE("planned exchanges are those that a run counts, to the byte", "[ranks]") {
  const Runs runs;
  SECTION("every architecture") {
    int number = 0;
    for (const Architecture* architecture : architectures()) {
      if (is_slow_build && number++ % 4 != 0) continue;
      INFO(architecture->name);
      Case run = Case::of(std::string(architecture->name).c_str());
      run.steps = 2;
      runs.check(run);
    }
  }
  SECTION("a dense model on three ranks, all weights") {
    Case run{.ranks = 3, .micro_batches = 6, .slots = 3};
    run.trains = moe::TrainByName();
    runs.check(run);
  }
  SECTION("four ranks, and slots that a rank sums apart") {
    Case run = Case::of("causal-multipl-moe", 4);
    run.slots = run.micro_batches;
    runs.check(run);
  }
  SECTION("dense layers between those with experts, tied embeddings") {
    Case run = Case::of("qwen1.5-moe", 3);
    run.config.dense_layers = {1};
    run.config.tie_word_embeddings = true;
    run.trains = moe::TrainByName();
    runs.check(run);
  }
  SECTION("weights in bfloat16 and every state") {
    for (const AdamWPrecision precision : all_adamw_precisions) {
      if (precision.master == float32) continue;
      Case run = Case::of("multipl-moe", 3);
      run.steps = 2;
      run.dtype = ModelDtype::bfloat16;
      run.precision = precision;
      runs.check(run);
      run.dtype = ModelDtype::float32;
      run.precision.master = split;
      runs.check(run);
    }
  }
}

TEST_CASE("planned exchanges of a resumed run are those that it counts", "[ranks]") {
  const Runs runs;
  Case run = Case::of("causal-multipl-moe");
  run.steps = 2;
  runs.counted(run);
  run.steps = 3;
  const std::vector<BySite> counters = runs.counted(run, RunStart::resume);
  const ExchangePlan plan = runs.plan(run);
  for (int rank = 0; rank < run.ranks; ++rank) {
    BySite planned;
    add(planned, plan.start, rank, 1);
    add(planned, plan.resume, rank, 1);
    add(planned, plan.step, rank, 1);
    add(planned, plan.save, rank, 1);
    CHECK(counters[static_cast<std::size_t>(rank)] == planned);
  }
}

TEST_CASE("tensors above a bucket, and state above a piece of a checkpoint, take as many calls as planned", "[ranks]") {
  if (is_slow_build) {
    WARN("not run: a weight is as large as a bucket");
    return;
  }
  const Runs runs;
  Case run{.micro_batches = 2, .steps = 1, .eval_every = 0, .has_folder = false, .is_random = false};
  run.config.num_hidden_layers = 1;
  run.trains = {.train = {"*.up_proj.weight", "*.down_proj.weight"}};
  run.config.intermediate_size = 1'100'000;
  CHECK(runs.plan(run).step.front().calls == 2);
  runs.check(run);
  run.config.intermediate_size = 270'000;
  run.has_folder = true;
  CHECK(runs.plan(run).save.front().calls == 4);
  runs.check(run);
}

TEST_CASE("a process has the largest share of the optimizer's state, sums of slots, and buckets") {
  const Runs runs;
  Case run{.ranks = 3, .micro_batches = 24, .slots = 24};
  run.trains = moe::TrainByName();
  const TrainingCounts counts = training_counts(run.config, *run.trains);
  const ProcessPart part = runs.plan(run).part;
  // The embedding and the head are alike, and larger than a third of all: each alone is most of a process's share.
  CHECK(part.owned > counts.trainable / 3);
  CHECK(part.owned < counts.trainable);
  // Eight slots: sums of 1, 2, 4 and 8 wait beside the gradient.
  CHECK(part.gradients == 5);
  CHECK(part.exchange_bytes == 4 * counts.trainable + 3 * 4 * part.owned);
  run.slots = 3;
  CHECK(runs.plan(run).part.gradients == 1);
  run.ranks = 1;
  const ExchangePlan alone = runs.plan(run);
  CHECK(alone.part.owned == counts.trainable);
  CHECK(alone.part.exchange_bytes == 0);
  CHECK(alone.part.gradients == 3);
  CHECK((alone.start.empty() && alone.step.empty() && alone.save.empty()));
}

}  // namespace exchange_plan_test
