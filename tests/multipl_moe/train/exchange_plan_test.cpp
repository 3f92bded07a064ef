/// The planned exchanges of a run, compared with the counters of real runs on ranks that are threads.
#include "multipl_moe/train/exchange_plan.hpp"

#include <fmt/format.h>

#include <map>
#include <mutex>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/ranks_over.hpp"
#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/model/run_ranks.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/spread_plan.hpp"
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

constexpr const char *forward_rows = "rows to their experts, forward",
                     *backward_rows = "rows to their experts, backward";

/// As the plan names it, which adds up the layers.
std::string planned_name(const std::string& site) {
  if (!site.starts_with("layer ")) return site;
  return site.ends_with(", forward") ? forward_rows : site.ends_with(", backward") ? backward_rows : site;
}

BySite counters_of(const RunRanks& ranks) {
  BySite counters;
  for (const auto& [site, traffic] : ranks.library()->traffic()) {
    Counters& sum = counters[planned_name(site)];
    sum[0] += traffic.calls;
    sum[1] += traffic.bytes;
    sum[2] += traffic.announcements;
    sum[3] += traffic.announced_bytes;
  }
  return counters;
}

std::string text_of(const Counters& counters) {
  return fmt::format("{} calls, {} bytes, {} announcements of {} bytes", counters[0], counters[1], counters[2],
                     counters[3]);
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
  ExpertPlacement placement = ExpertPlacement::everywhere;
  bool is_recomputed = false;

  static Case of(const char* architecture, int ranks = 2) {
    Case run{.ranks = ranks, .micro_batches = 2 * ranks, .slots = ranks};
    run.config.moe = mixture_named(architecture, run.config.intermediate_size).value();
    return run;
  }
  /// Whose experts are spread.
  static Case spread(const char* architecture, int ranks, ExpertPlacement placement) {
    Case run = of(architecture, ranks);
    run.placement = placement;
    run.steps = 2;
    run.eval_every = 0;
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
      if (run.is_recomputed) options.checkpointing = ActivationCheckpointing::on;
      const auto model = make_language_model(run.config, 1, run.dtype, {}, {run.placement, ranks});
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
                          .held_out_languages = languages,
                          .placement = run.placement,
                          .tokens = 16,
                          .is_recomputed = run.is_recomputed});
  }
  /// Whether bytes of rows are compared, too: the plan's are those of experts that are chosen equally often.
  enum class Rows { evenly_chosen, as_chosen };
  void check(const Case& run, Rows rows = Rows::evenly_chosen) const {
    const std::vector<BySite> counters = counted(run);
    const ExchangePlan plan = this->plan(run);
    for (int rank = 0; rank < run.ranks; ++rank) {
      INFO("rank " << rank << " of " << run.ranks);
      BySite planned;
      add(planned, plan.start, rank, 1);
      add(planned, plan.step, rank, run.steps);
      if (run.eval_every > 0) add(planned, plan.evaluation, rank, run.steps / run.eval_every);
      if (run.has_folder) add(planned, plan.save, rank, (run.steps + run.save_every - 1) / run.save_every);
      BySite counted = counters[static_cast<std::size_t>(rank)];
      if (rows == Rows::as_chosen)
        for (BySite* sites : {&counted, &planned})
          for (const char* site : {forward_rows, backward_rows})
            if (sites->contains(site)) (*sites)[site][1] = 0;
      for (const auto& [site, numbers] : counted) {
        INFO(site << ": counted " << text_of(numbers) << ", planned " << text_of(planned[site]));
        CHECK(numbers == planned[site]);
      }
      CHECK(counted.size() == planned.size());
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
      if (is_slow_build) return;
      run.dtype = ModelDtype::float32;
      run.precision.master = split;
      runs.check(run);
    }
  }
}

TEST_CASE("planned exchanges of spread experts are those that a run counts", "[ranks]") {
  using enum ExpertPlacement;
  const Runs runs;
  SECTION("to the byte, where every token chooses every expert") {
    Case run = Case::spread("mixtral", 3, blocks);
    run.config.moe->num_experts_per_tok = run.config.moe->num_token_experts;
    run.is_recomputed = true;
    runs.check(run);
    if (is_slow_build) return;
    run.config.dense_layers = {1};
    run.is_recomputed = false;
    run.dtype = ModelDtype::bfloat16;
    run.precision.master = split;
    runs.check(run);
  }
  SECTION("to the byte, but for rows whose number depends on what tokens choose") {
    int number = 0;
    for (const char* architecture : {"multipl-moe", "causal-multipl-moe", "qwen1.5-moe", "gshard"}) {
      INFO(architecture);
      for (const ExpertPlacement placement : {blocks, round_robin}) {
        if (is_slow_build && number++ > 0) continue;
        Case run = Case::spread(architecture, 4, placement);
        if (placement == blocks) run.trains = moe::TrainByName();
        runs.check(run, Runs::Rows::as_chosen);
      }
    }
  }
}

TEST_CASE("rows of spread experts are planned for tokens that choose all experts equally often") {
  Case run = Case::spread("mixtral", 4, ExpertPlacement::blocks);
  const auto rows_of = [&] {
    const auto homes = homes_of_tensors(run.config, run.placement, run.ranks);
    return spread_layers(run.config, homes, run.ranks, {.tokens = 64, .is_recomputed = run.is_recomputed}, 2);
  };
  const MoeConfig& moe = *run.config.moe;
  const std::int64_t rows = 64 * moe.num_experts_per_tok, layers = run.config.num_hidden_layers;
  REQUIRE(moe.num_token_experts % 4 == 0);
  const SpreadLayers even = rows_of();
  REQUIRE(even.exchanges.size() == 2);
  CHECK(even.busiest == Approx(1));
  for (int process = 0; process < 4; ++process) {
    const moe::Traffic forward = even.exchanges[0].traffic_of(process),
                       backward = even.exchanges[1].traffic_of(process);
    // Three quarters of the rows go to other processes, and as many come from them and are sent back.
    CHECK(forward.bytes == 2 * layers * 2 * rows * 3 / 4 * 4 * run.config.hidden_size);
    CHECK(backward.bytes == 2 * layers * 2 * rows * 3 / 4 * 4 * (run.config.hidden_size + 1));
    CHECK(forward.calls == 2 * layers * 2);
    CHECK(backward.calls == 2 * layers * 4);
  }
  // With links of equal speed a process is done when its bytes are sent, of which as many arrive.
  CHECK(seconds_of(even.exchanges[0], {4, 1e9, 1e9}) ==
        Approx(static_cast<double>(most_sent(even.exchanges[0], 4).all()) / 1e9));
  run.is_recomputed = true;
  CHECK(rows_of().exchanges[0].calls == 2 * even.exchanges[0].calls);
  CHECK(rows_of().exchanges[1].calls == even.exchanges[1].calls);
  CHECK(rows_of().row_bytes < even.row_bytes);
  // 8 experts on 3 processes: 3, 3 and 2.
  run.ranks = 3;
  REQUIRE(moe.num_token_experts == 8);
  CHECK(rows_of().busiest == Approx(3.0 * 3 / 8));
  const auto computed_most = [&] {
    return busiest_computation(run.config, run.weights(), homes_of_tensors(run.config, run.placement, run.ranks),
                               1.125);
  };
  // Attention, the head and the router are computed for all rows in their own process.
  CHECK(computed_most() > 1);
  CHECK(computed_most() < 1.125);
  const double with_head = computed_most();
  run.config.vocab_size *= 100;
  CHECK(computed_most() < 1 + 0.5 * (with_head - 1));
  run.config.vocab_size /= 100;
  run.ranks = 4;
  // Processes beyond the number of experts have none, and get no rows.
  run.ranks = 4 * static_cast<int>(moe.num_token_experts);
  const SpreadLayers many = rows_of();
  CHECK(many.exchanges[0].bytes.front() > 0);
  CHECK(many.exchanges[0].bytes.back() == 0);
  // The shared expert of MultiPL-MoE, which has every token, is in every process.
  run = Case::spread("multipl-moe-without-segments", 2, ExpertPlacement::round_robin);
  const std::int64_t routed = 64 * (run.config.moe->num_experts_per_tok - 1);
  CHECK(rows_of().exchanges[0].total() == layers * 2 * routed * 4 * run.config.hidden_size);
  run.placement = ExpertPlacement::everywhere;
  CHECK(rows_of().exchanges.empty());
  CHECK(rows_of().row_bytes == 0);
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
