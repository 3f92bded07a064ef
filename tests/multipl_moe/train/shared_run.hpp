/// A training that several ranks, which are threads, share.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/ranks_over.hpp"
#include "multipl_moe/model/run_ranks.hpp"
#include "multipl_moe/model/trainable.hpp"
#include "multipl_moe/train/trainer.hpp"
#include "run_files.hpp"
#include "support/catch.hpp"
#include "support/thread_comm.hpp"
#include "tiny_run.hpp"

namespace multipl_moe::testing {

using moe::testing::ThreadComm;

/// A post-training of a mixture that any number of ranks can make.
struct SharedRun {
  TinyRun tiny;
  MoeConfig moe;
  ModelDtype dtype = ModelDtype::float32;

  explicit SharedRun(const char* architecture = "causal-multipl-moe")
      : moe(mixture_named(architecture, tiny_config().intermediate_size).value()) {
    moe.segment_window = 8;
  }

  TrainOptions options(const std::string& folder) const {
    TrainOptions options;
    options.steps = 5;
    options.accumulation = 4;
    options.gradient_slots = 4;
    options.learning_rate = 0.01;
    options.log_every = 0;
    options.save_every = 2;
    options.eval_every = 2;
    options.held_out = open_language_files(tiny.scratch / "data", "dev", ByteTokenizer().hash());
    options.evaluation = {.sequences = 2, .length = 32, .max_bytes = 0, .max_sequences = 2};
    options.run = tiny.scratch / folder;
    return options;
  }
  std::unique_ptr<LanguageModel> start() const {
    const auto dense = make_language_model(tiny_config(), 1);
    dense->initialize(1, 0.05);
    const auto mixture = upcycled(*dense, moe, {.seed = 4});
    if (dtype == ModelDtype::float32) return upcycled(*dense, moe, {.seed = 4});
    auto narrow = make_language_model(mixture->config(), 1, dtype);
    narrow->initialize(3, 0.05);
    return narrow;
  }
  /// One rank's part.
  TrainResult live_alone(TrainOptions options, std::unique_ptr<LanguageModel> model) const {
    options.trains = post_training_weights(model->config());
    auto stream = tiny.stream();
    return train(*model, stream, options);
  }
  TrainResult live_alone(const TrainOptions& options) const { return live_alone(options, start()); }

  static TrainOptions on(TrainOptions options, ThreadComm comm) {
    options.ranks = std::make_shared<RunRanks>(moe::ranks_over<moe::Cpu<>>(std::move(comm)));
    return options;
  }
  /// The result of rank 0.
  TrainResult live(int ranks, const TrainOptions& options) const {
    TrainResult of_first;
    moe::testing::run_ranks(ranks, [&](ThreadComm comm) {
      const int rank = comm.rank();
      const TrainResult result = live_alone(on(options, std::move(comm)));
      if (rank == 0) of_first = result;
    });
    return of_first;
  }

  void require_same(const std::string& folder, const std::string& other) const {
    CHECK(newest_checkpoint_of(tiny.scratch / folder) == newest_checkpoint_of(tiny.scratch / other));
    CHECK(metrics_of(tiny.scratch / folder) == metrics_of(tiny.scratch / other));
  }
};

inline TrainOptions resumed(TrainOptions options) {
  options.start = RunStart::resume;
  return options;
}

}  // namespace multipl_moe::testing
