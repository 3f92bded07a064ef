/// Runs whose experts are spread over the ranks, compared with runs of one process that has them all.
#include <map>

#include "../support/stderr_capture.hpp"
#include "multipl_moe/eval/evaluate.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/train/checkpoint.hpp"
#include "shared_run.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace spread_run_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr ExpertPlacement spread_placements[] = {ExpertPlacement::blocks, ExpertPlacement::round_robin};

/// A SharedRun whose model is in a folder, from which each rank loads its part.
struct SpreadRun : SharedRun {
  explicit SpreadRun(const char* architecture = "multipl-moe", ModelDtype type = ModelDtype::float32)
      : SharedRun(architecture) {
    dtype = type;
    save_model(*start(), tiny.scratch / "model");
  }

  TrainOptions options(const std::string& folder) const {
    TrainOptions all = SharedRun::options(folder);
    all.accumulation = 12;
    all.gradient_slots = 0;
    return all;
  }
  std::unique_ptr<LanguageModel> load(ExpertPlacement placement, std::shared_ptr<const RunRanks> ranks) const {
    const auto folder = tiny.scratch / "model";
    return load_model(folder, 1, load_config(folder), dtype, {}, {placement, std::move(ranks)});
  }
  TrainResult alone(const TrainOptions& options) const {
    return live_alone(options, load(ExpertPlacement::everywhere, nullptr));
  }
  /// The result of rank 0.
  TrainResult spread(int ranks, ExpertPlacement placement, const TrainOptions& options) const {
    TrainResult of_first;
    moe::testing::run_ranks(ranks, [&](ThreadComm comm) {
      const int rank = comm.rank();
      const TrainOptions mine = on(options, std::move(comm));
      const TrainResult result = live_alone(mine, load(placement, mine.ranks));
      if (rank == 0) of_first = result;
    });
    return of_first;
  }
};

/// The held-out losses in a run's metrics, one after the other.
std::vector<double> held_out_in(const std::filesystem::path& run) {
  std::vector<double> losses;
  std::istringstream lines(get_bytes(run / "metrics.jsonl"));
  for (std::string line; std::getline(lines, line);) {
    const auto json = nlohmann::json::parse(line);
    if (json.contains("held_out"))
      for (const auto& loss : json["held_out"]) losses.push_back(loss.get<double>());
  }
  return losses;
}

}  // namespace

TEST_CASE("a run with spread experts trains as one process to rounding, and twice with the same bits", "[ranks]") {
  struct Spread {
    ExpertPlacement placement;
    int ranks;
  };
  for (const char* architecture : {"multipl-moe", "qwen1.5-moe", "gshard"}) {
    if (moe::testing::is_slow_build && architecture != std::string("multipl-moe")) continue;
    INFO(architecture);
    const SpreadRun run(architecture);
    const TrainResult alone = run.alone(run.options("alone"));
    const auto held_out = held_out_in(run.tiny.scratch / "alone");
    REQUIRE(!held_out.empty());
    for (const auto& [placement, ranks] : {Spread{ExpertPlacement::blocks, 2}, {ExpertPlacement::round_robin, 3}}) {
      const std::string name = std::string(name_of(placement));
      INFO(name);
      const TrainResult result = run.spread(ranks, placement, run.options(name));
      CHECK(result.steps == 5);
      CHECK(result.last_loss == Approx(alone.last_loss).epsilon(1e-4));
      const auto losses = held_out_in(run.tiny.scratch / name);
      REQUIRE(losses.size() == held_out.size());
      for (std::size_t i = 0; i < losses.size(); ++i) CHECK(losses[i] == Approx(held_out[i]).epsilon(1e-4));
    }
    run.spread(2, ExpertPlacement::blocks, run.options("again"));
    run.require_same("again", "blocks");
  }
}

TEST_CASE("spread experts take the memory of one process each, and the plan says how much", "[ranks]") {
  for (const ModelDtype dtype : {ModelDtype::float32, ModelDtype::bfloat16}) {
    const SpreadRun run("causal-multipl-moe", dtype);
    const auto config = load_config(run.tiny.scratch / "model");
    const auto whole = run.load(ExpertPlacement::everywhere, nullptr);
    std::map<std::string, std::vector<std::int64_t>> shapes;
    for (const TensorRef& tensor : whole->tensors()) shapes[tensor.name] = tensor.shape;
    for (const ExpertPlacement placement : spread_placements) {
      std::vector<std::map<std::string, std::size_t>> bytes(4);
      moe::testing::run_ranks(4, [&](ThreadComm comm) {
        const auto rank = static_cast<std::size_t>(comm.rank());
        const auto ranks = std::make_shared<RunRanks>(moe::ranks_over<moe::Cpu<>>(std::move(comm)));
        const auto model = run.load(placement, ranks);
        std::int64_t sum = 0;
        for (const TensorRef& tensor : model->tensors()) {
          if (tensor.shape != shapes.at(tensor.name)) throw std::runtime_error("the shape of " + tensor.name);
          if (tensor.is_elsewhere) continue;
          bytes[rank][tensor.name] = tensor.bytes;
          sum += static_cast<std::int64_t>(tensor.bytes);
        }
        const ExpertPart part{placement, ranks->rank(), ranks->size()};
        if (sum != weights_in_memory(config, {dtype, WeightsPlace::memory, part}).bytes)
          throw std::runtime_error("the plan");
      });
      std::size_t on_all = 0, on_one = 0;
      for (const TensorRef& tensor : whole->tensors()) {
        INFO(tensor.name);
        const auto holders = std::count_if(bytes.begin(), bytes.end(), [&](const auto& of_rank) {
          const auto found = of_rank.find(tensor.name);
          return found != of_rank.end() && found->second == tensor.bytes;
        });
        const bool is_shared_expert =
            tensor.name.find(".experts.0.") != std::string::npos && tensor.name.find(".segment.") == std::string::npos;
        const bool is_spread = tensor.name.find(".experts.") != std::string::npos && !is_shared_expert;
        CHECK(holders == (is_spread ? 1 : 4));
        ++(is_spread ? on_one : on_all);
      }
      CHECK((on_all > 0 && on_one > 0));
    }
  }
}

TEST_CASE("spread experts score text as one process does, also if some have no batch in the end", "[ranks]") {
  for (const char* architecture : {"multipl-moe", "causal-multipl-moe", "mixtral", "gshard"}) {
    if (moe::testing::is_slow_build && architecture != std::string("multipl-moe")) continue;
    INFO(architecture);
    const SpreadRun run(architecture);
    const TrainOptions options = run.options("none");
    // The languages of the text have five batches each.
    const EvaluateOptions scored{.sequences = 1, .length = 32, .max_bytes = 0, .max_sequences = 5};
    const Evaluation alone = evaluate(*run.load(ExpertPlacement::everywhere, nullptr), options.held_out, scored);
    std::int64_t languages = 0;
    for (const auto& score : alone) languages += score.has_value();
    REQUIRE((5 * languages) % 4 == 2);
    for (const int ranks : {2, 4}) {
      std::vector<Evaluation> of_rank(static_cast<std::size_t>(ranks));
      moe::testing::run_ranks(ranks, [&](ThreadComm comm) {
        const auto rank = static_cast<std::size_t>(comm.rank());
        const auto mine = std::make_shared<RunRanks>(moe::ranks_over<moe::Cpu<>>(std::move(comm)));
        const auto model = run.load(ExpertPlacement::round_robin, mine);
        of_rank[rank] = evaluate(*model, options.held_out, scored, mine.get());
      });
      for (const Evaluation& spread : of_rank)
        for (std::size_t i = 0; i < spread.size(); ++i) {
          REQUIRE(spread[i].has_value() == alone[i].has_value());
          if (!spread[i]) continue;
          CHECK(spread[i]->tokens == alone[i]->tokens);
          CHECK(spread[i]->loss == Approx(alone[i]->loss).epsilon(1e-6));
          CHECK(spread[i]->loss == of_rank.front()[i]->loss);
        }
    }
  }
}

TEST_CASE("a run with spread experts resumes on any number of ranks, spread or not", "[ranks]") {
  const SpreadRun run;
  const TrainResult whole = run.alone(run.options("whole"));
  TrainOptions options = run.options("moved");
  options.steps = 2;
  run.spread(2, ExpertPlacement::blocks, options);
  CHECK(placement_of_run(options.run) == ExpertPlacement::blocks);
  options = resumed(options);
  const auto notes_of = [&](const auto& live) {
    const StderrCapture capture;
    ++options.steps;
    CHECK(live().steps_before == options.steps - 1);
    return capture.text();
  };
  CHECK_THAT(notes_of([&] { return run.alone(options); }),
             ContainsSubstring("--placement blocks and continues with everywhere: gradients are added in another"));
  CHECK_THAT(notes_of([&] { return run.spread(4, ExpertPlacement::round_robin, options); }),
             ContainsSubstring("--placement everywhere and continues with round-robin"));
  CHECK(placement_of_run(options.run) == ExpertPlacement::round_robin);
  TrainResult last;
  CHECK_THAT(notes_of([&] { return last = run.spread(3, ExpertPlacement::round_robin, options); }),
             !ContainsSubstring("--placement"));
  CHECK(last.steps == whole.steps);
  // The schedules differ: each part was planned to end with its last step.
  CHECK(last.last_loss == Approx(whole.last_loss).epsilon(0.05));
  const auto at_end = load_model(options.run, 1);
  CHECK(at_end->tensors().size() == run.load(ExpertPlacement::everywhere, nullptr)->tensors().size());
}

TEST_CASE("spread experts have no slots of their own", "[ranks]") {
  const SpreadRun run;
  TrainOptions options = run.options("run");
  options.gradient_slots = 4;
  CHECK_THROWS_WITH(run.spread(2, ExpertPlacement::blocks, options),
                    ContainsSubstring("--gradient-slots must be the number of processes with --placement blocks") &&
                        ContainsSubstring("found 4 and 2 processes"));
  CHECK_THROWS_AS(placement_named("nowhere"), UsageError);
}

}  // namespace spread_run_test
