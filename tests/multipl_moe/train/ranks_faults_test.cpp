/// Faults of runs on several ranks, which are threads here: at every exchange, on a full disk, and slow ranks.
#include <atomic>
#include <cerrno>
#include <chrono>
#include <thread>

#include "../support/hooked_ranks.hpp"
#include "../support/wrapped_model.hpp"
#include "moe/comm/errors.hpp"
#include "multipl_moe/io/errors.hpp"
#include "shared_run.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"

namespace ranks_faults_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using namespace std::chrono_literals;
using Catch::Matchers::ContainsSubstring;
using moe::testing::ends_of_ranks;
using moe::testing::is_slow_build;
using moe::testing::text_of;
using moe::testing::ThreadComm;
namespace fs = std::filesystem;

namespace {

TrainOptions with_hook(TrainOptions options, ThreadComm comm, HookedRanks::Hook hook) {
  auto engine = moe::ranks_over<moe::Cpu<>>(std::move(comm));
  options.ranks = std::make_shared<RunRanks>(std::make_shared<HookedRanks>(std::move(engine), std::move(hook)));
  return options;
}

/// Two steps, a checkpoint after each, and an evaluation.
TrainOptions two_steps(const SharedRun& run, const std::string& folder) {
  TrainOptions options = run.options(folder);
  options.steps = 2;
  options.accumulation = 2;
  options.gradient_slots = 2;
  options.save_every = 1;
  options.evaluation.max_sequences = 1;
  return options;
}

/// Calls `before` whenever rank 0 reads the values of the first weight, as it does for a checkpoint.
class ReadModel final : public WrappedModel {
 public:
  ReadModel(std::unique_ptr<LanguageModel> inner, std::function<void()> before)
      : WrappedModel(std::move(inner)), before_(std::move(before)) {}
  std::vector<TensorRef> tensors() override {
    std::vector<TensorRef> tensors = WrappedModel::tensors();
    const std::span<std::byte> values = tensors.front().memory;
    tensors.front().memory = {};
    tensors.front().read = [this, values](std::size_t first, std::span<std::byte> to) {
      before_();
      std::copy_n(values.begin() + static_cast<std::ptrdiff_t>(first), to.size(), to.begin());
    };
    tensors.front().write = [values](std::size_t first, std::span<const std::byte> from) {
      std::copy(from.begin(), from.end(), values.begin() + static_cast<std::ptrdiff_t>(first));
    };
    return tensors;
  }

 private:
  std::function<void()> before_;
};

/// Calls `before` with the number of each micro-batch.
class SlowModel final : public WrappedModel {
 public:
  SlowModel(std::unique_ptr<LanguageModel> inner, std::function<void(int)> before)
      : WrappedModel(std::move(inner)), before_(std::move(before)) {}
  MicroBatchLoss accumulate(const Sequences& batch, double share, AuxiliaryWeights weights,
                            ActivationCheckpointing checkpointing) override {
    before_(++number_);
    return WrappedModel::accumulate(batch, share, weights, checkpointing);
  }

 private:
  std::function<void(int)> before_;
  int number_ = 0;
};

}  // namespace

TEST_CASE("a run whose exchanges fail, one at a time, ends on every rank and goes on from its newest checkpoint",
          "[ranks]") {
  const SharedRun run;
  const fs::path folder = run.tiny.scratch / "run";
  run.live_alone(two_steps(run, "whole"));
  // The place of each exchange of rank 0. Rank 1 makes the same calls.
  std::vector<std::string> sites;
  moe::testing::run_ranks(2, [&](ThreadComm comm) {
    const bool notes = comm.rank() == 0;
    run.live_alone(with_hook(two_steps(run, "run"), std::move(comm), [&, notes](std::string_view site, auto) {
      if (notes) sites.emplace_back(site);
    }));
  });
  run.require_same("run", "whole");
  int pieces = 0, without_checkpoint = 0, with_checkpoint = 0;
  for (std::size_t failing = 0; failing < sites.size(); ++failing) {
    // Most exchanges are pieces of a checkpoint.
    const bool is_piece = sites[failing] == "tensors for a checkpoint" && pieces++ > 0;
    if ((is_piece && pieces % 61 != 0) || (is_slow_build && failing % 5 != 0)) continue;
    const std::size_t victim = (failing + static_cast<std::size_t>(pieces)) % 2;
    INFO("exchange " << failing << " of rank " << victim << ", " << sites[failing]);
    fs::remove_all(folder);
    const auto errors = ends_of_ranks(2, [&](ThreadComm comm) {
      const bool is_victim = static_cast<std::size_t>(comm.rank()) == victim;
      TrainOptions options = two_steps(run, "run");
      // A rank that would wait for ever has another error.
      options.waits = {.usual = 60s, .longer = 60s};
      const auto fail = [&, is_victim, number = std::size_t{0}](std::string_view, auto) mutable {
        if (is_victim && number++ == failing) throw moe::CommError("planted");
      };
      run.live_alone(with_hook(std::move(options), std::move(comm), fail));
    });
    CHECK(text_of(errors[victim]) == "planted");
    CHECK_THAT(text_of(errors[1 - victim]), ContainsSubstring("rank " + std::to_string(victim) + " has ended"));
    if (fs::exists(folder / "checkpoints/LATEST")) {
      ++with_checkpoint;
      run.live(1 + static_cast<int>(failing % 2), resumed(two_steps(run, "run")));
      run.require_same("run", "whole");
    } else {
      ++without_checkpoint;
      CHECK_THROWS_WITH(run.live_alone(resumed(two_steps(run, "run"))),
                        ContainsSubstring("must hold a checkpoint to resume from, found none"));
    }
  }
  CHECK(without_checkpoint > 0);
  CHECK(with_checkpoint > 0);
}

TEST_CASE("a full disk in a save ends every rank with the same text, and the checkpoint before it is whole",
          "[ranks]") {
  const SharedRun run;
  run.live_alone(run.options("whole"));
  for (const int ranks : {2, 3}) {
    fs::remove_all(run.tiny.scratch / "run");
    const auto errors = ends_of_ranks(ranks, [&](ThreadComm comm) {
      TrainOptions options = run.options("run");
      if (ranks == 3) options.accumulation = options.gradient_slots = 3;
      std::atomic<bool> is_full = false;
      options.after_step = [&](std::int64_t step) { is_full = step == 4; };
      auto model = run.start();
      if (comm.rank() == 0)
        model = std::make_unique<ReadModel>(std::move(model), [&] {
          if (is_full) throw IoError("model.safetensors", "write", ENOSPC);
        });
      run.live_alone(SharedRun::on(options, std::move(comm)), std::move(model));
    });
    for (const auto& error : errors) {
      CHECK_THAT(text_of(error),
                 ContainsSubstring("checkpoints/step-000004] cannot save: No space left on device; needed: "));
      CHECK(text_of(error) == text_of(errors.front()));
      try {
        std::rethrow_exception(error);
      } catch (const std::exception& thrown) {
        CHECK(exit_code_of(thrown) == 5);
      }
    }
    CHECK(get_bytes(run.tiny.scratch / "run/checkpoints/LATEST") == "step-000002\n");
    if (ranks == 3) continue;
    run.live(4, resumed(run.options("run")));
    run.require_same("run", "whole");
  }
}

TEST_CASE("ranks wait longer for each other until the first step is done and in saves", "[ranks]") {
  const SharedRun run;
  const RankWaits waits{.usual = 60s, .longer = 90s};
  std::vector<std::pair<std::string, std::chrono::milliseconds>> calls;
  moe::testing::run_ranks(2, [&](ThreadComm comm) {
    TrainOptions options = two_steps(run, "run");
    options.waits = waits;
    const bool notes = comm.rank() == 1;
    run.live_alone(with_hook(std::move(options), std::move(comm), [&, notes](std::string_view site, auto timeout) {
      if (notes) calls.emplace_back(site, timeout);
    }));
  });
  int steps = 0, longer_in_first = 0, usual = 0, in_saves = 0;
  for (const auto& [site, timeout] : calls) {
    INFO(site);
    const bool is_save = site.find("checkpoint") != std::string::npos;
    const bool is_longer = is_save || steps == 0;
    CHECK(timeout == (is_longer ? waits.longer : waits.usual));
    (is_save ? in_saves : steps == 0 ? longer_in_first : usual) += 1;
    // The last exchange of each step.
    if (site == "losses on held-out text" || (steps == 0 && is_save)) ++steps;
  }
  CHECK(longer_in_first > 0);
  CHECK(usual > 0);
  CHECK(in_saves > 0);
}

TEST_CASE("a slow save and a slow first step end no run, a rank that hangs later does", "[ranks]") {
  const SharedRun run;
  const auto usual = is_slow_build ? 4000ms : 500ms;
  TrainOptions options = two_steps(run, "run");
  run.live_alone(two_steps(run, "whole"));
  const auto errors_with = [&](int slow_batch, std::chrono::milliseconds delay, bool slow_save) {
    fs::remove_all(run.tiny.scratch / "run");
    return ends_of_ranks(2, [&](ThreadComm comm) {
      TrainOptions mine = options;
      mine.waits = {.usual = usual, .longer = 60s};
      std::atomic<bool> saves = false;
      mine.after_step = [&](std::int64_t step) { saves = step == 1; };
      auto model = run.start();
      if (comm.rank() == 0 && slow_save)
        model = std::make_unique<ReadModel>(std::move(model), [&] {
          if (saves.exchange(false)) std::this_thread::sleep_for(delay);
        });
      if (comm.rank() == 1)
        model = std::make_unique<SlowModel>(std::move(model), [&](int number) {
          if (number == slow_batch) std::this_thread::sleep_for(delay);
        });
      run.live_alone(SharedRun::on(mine, std::move(comm)), std::move(model));
    });
  };
  for (const auto& error : errors_with(1, usual + 200ms, true)) CHECK(text_of(error).empty());
  run.require_same("run", "whole");
  const auto errors = errors_with(2, usual + 500ms, false);
  CHECK_THAT(text_of(errors[0]), ContainsSubstring("rank 1 did not answer within " + std::to_string(usual.count())));
  CHECK(errors[1] != nullptr);
  CHECK(get_bytes(run.tiny.scratch / "run/checkpoints/LATEST") == "step-000001\n");
}

}  // namespace ranks_faults_test
