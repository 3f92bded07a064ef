/// Trainings on several ranks with an emulated device each. What they exchange passes through host memory.
#include <mutex>

#include "device_runs.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/comm/local_comm.hpp"
#include "moe/comm/ranks_over.hpp"
#include "multipl_moe/model/run_ranks.hpp"
#include "support/catch.hpp"
#include "support/slow_build.hpp"
#include "support/turn_comm.hpp"

namespace device_ranks_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::testing::ThreadComm;
using moe::testing::TurnComm;

namespace {

struct Trained {
  std::vector<double> losses;
  std::uint64_t hash = 0;  ///< of all weights; 0 if some are elsewhere
};

TrainOptions shared_options(const DeviceRun& run) {
  TrainOptions options = run.options(moe::testing::is_slow_build ? 2 : 4);
  options.accumulation = 4;
  return options;
}

/// Of all weights. The optimizer's state is divided among the ranks.
std::uint64_t hash_of_weights(LanguageModel& model) {
  RunningHash hash;
  for (const TensorRef& tensor : model.tensors())
    tensor.for_each_piece([&](std::size_t, std::span<const std::byte> bytes) { hash.add(bytes); });
  return hash.value();
}

/// What rank 0 sees of a training whose options each rank completes.
Trained trained_on(int ranks, const DeviceRun& run, ModelDtype dtype, const TrainOptions& options,
                   ExpertPlacement placement = ExpertPlacement::everywhere) {
  Trained of_first;
  std::mutex turn;
  moe::testing::run_ranks(ranks, [&](ThreadComm comm) {
    const std::lock_guard lock(turn);
    const int rank = comm.rank();
    TrainOptions mine = options;
    const auto library = moe::ranks_over<moe::testing::EmulatedWarps>(TurnComm(std::move(comm), turn));
    mine.ranks = std::make_shared<RunRanks>(library);
    const auto model = run.on_device(dtype, {placement, mine.ranks});
    Trained result{run.losses(*model, mine)};
    if (placement == ExpertPlacement::everywhere) result.hash = hash_of_weights(*model);
    if (rank == 0) of_first = std::move(result);
  });
  return of_first;
}

}  // namespace

TEST_CASE("a training on devices of several ranks is bitwise identical to that on one device", "[device][ranks]") {
  const TinyRun tiny;
  for (const auto& [architecture, dtype] :
       {std::pair("causal-multipl-moe", ModelDtype::bfloat16), std::pair("mixtral", ModelDtype::float32)}) {
    INFO(architecture);
    const DeviceRun run(tiny, small_mixture_of(architecture));
    TrainOptions options = shared_options(run);
    if (dtype == ModelDtype::bfloat16) options = DeviceRun::in_bfloat16(options);
    options.gradient_slots = 4;
    const auto alone = run.on_device(dtype);
    const auto losses = run.losses(*alone, options);
    CHECK(losses.back() < losses.front());
    for (const int ranks : {2, 4}) {
      if (moe::testing::is_slow_build && ranks == 4) continue;
      const Trained shared = trained_on(ranks, run, dtype, options);
      CHECK(shared.losses == losses);
      CHECK(shared.hash == hash_of_weights(*alone));
    }
  }
}

TEST_CASE("experts that are spread over devices train as on one device, to rounding", "[device][ranks]") {
  const TinyRun tiny;
  const DeviceRun run(tiny, small_mixture_of("multipl-moe"));
  const TrainOptions options = shared_options(run);
  const auto alone = run.losses(*run.on_device(ModelDtype::float32), options);
  for (const ExpertPlacement placement : {ExpertPlacement::blocks, ExpertPlacement::round_robin}) {
    const auto spread = trained_on(2, run, ModelDtype::float32, options, placement).losses;
    REQUIRE(spread.size() == alone.size());
    for (std::size_t step = 0; step < alone.size(); ++step) CHECK(spread[step] == Approx(alone[step]).epsilon(1e-4));
  }
}

TEST_CASE("ranks of another memory than the model's are refused", "[device][ranks]") {
  const TinyRun tiny;
  const DeviceRun run(tiny);
  const RunRanks of_the_host(moe::ranks_over<moe::Cpu<>>(moe::LocalComm()));
  CHECK_THROWS_WITH(make_emulated_model(run.config(), ModelDtype::float32)->train_on(of_the_host),
                    "[ranks] the processes must share the memory of the model's device, found another");
}

}  // namespace device_ranks_test
