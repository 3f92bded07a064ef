/// What the stages do. Each runs in a process of its own, on a subject: a GPU in the program.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/gpu_program/page.hpp"
#include "bench/gpu_program/run_stages.hpp"
#include "bench/gpu_program/subject.hpp"
#include "multipl_moe/train/device_plan.hpp"

namespace gpu_program {

/// Sizes of the stages' work; those of the program by default.
struct Sizes {
  OperationSizes full;             ///< the 10.8B MultiPL-MoE at 4 x 1024 tokens
  std::int64_t accumulation = 16;  ///< micro-batches of a step
  std::int64_t steps = 3;          ///< of the full model
  std::vector<std::int64_t> layers{1, 2, 6};
  std::int64_t tiny_steps = 50;  ///< on the CPU and on the device
  std::int64_t repeats = 20;     ///< of a tiny training with one hash
  std::int64_t decoded = 32;     ///< tokens of each timed decoding
  double learning_rate = 1e-4;
  int threads_to_draw = 8;  ///< with fewer the full model gets weights from a table

  static Sizes of_program();
};

struct StageContext {
  const Subject& subject;
  const Sizes& sizes;
  const std::filesystem::path& folder;
  Page& page;
};

/// A stage and what it does. Throws what goes wrong; Page::fail reports what is only wrong.
struct DefinedStage {
  Stage stage;
  std::function<void(const StageContext&)> run;
};
/// All, in the order of their value.
const std::vector<DefinedStage>& all_stages();

/// Runs the stage of this name in this process and writes its page, also of an error of `make_subject`. Returns the
/// exit code: 1 if something was wrong.
int run_stage(std::string_view name, const std::function<Subject()>& make_subject, const Sizes& sizes,
              const std::filesystem::path& folder);

// --- each in a file of its own --------------------------------------------------------------------------------------

void find_ceilings(const StageContext& on);
void compare_models(const StageContext& on);
void train_tiny(const StageContext& on);
void time_operations(const StageContext& on);
void train_layers(const StageContext& on);
void train_full(const StageContext& on);
void generate(const StageContext& on);
void train_forms(const StageContext& on);

// --- what several share ---------------------------------------------------------------------------------------------

/// The device's largest rates, as the stage doctor has stored them; 0: it has not.
struct Ceilings {
  double bytes_per_second = 0, flops_per_second = 0;
};
Ceilings stored_ceilings(const std::filesystem::path& folder);
/// Figures of an operation: its time, its rates and their share of the ceilings.
void show(Page& page, const TimedOperation& operation, const Ceilings& ceilings);

/// Of the device's free memory, what a plan may take: a plan is exact within some percent.
inline constexpr double share_of_free = 0.97;
/// Whether a plan fits into `free` bytes of the device with that margin, and its pinned memory into nine tenths of the
/// host's free memory.
bool fits(const multipl_moe::DevicePlan& plan, std::int64_t free);

/// A plan of training that fits, with as many of the model's layers as fit.
struct FittedTraining {
  multipl_moe::ModelConfig config;
  multipl_moe::DeviceForm form;
  multipl_moe::DevicePlan plan;
};
/// Those of `sizes` with the best form of training: all layers with the optimizer's state in host memory before fewer
/// layers with it on the device. Throws Failure if not even one layer fits into `free` bytes.
FittedTraining fitted(const OperationSizes& sizes, std::int64_t free);
multipl_moe::DevicePlan plan_of(const OperationSizes& sizes, const multipl_moe::DeviceForm& form);

struct TimedTraining {
  std::vector<double> losses, seconds;  ///< of each step
  double drawing = 0, optimizer = 0;    ///< seconds: of the weights; of the last step's optimizer
  MemoryFound memory;
};
/// Makes the model on the device and trains it on random tokens. `draws_normal`: its weights are those of
/// LanguageModel::initialize(), otherwise they come from a table, which takes less time and changes neither times
/// nor memory, only the loss and its gradient's norm. Page::fail if the first loss is not that of random weights, or
/// the last one, after steps on the same tokens, is not lower.
TimedTraining time_training(const StageContext& on, const OperationSizes& sizes, const multipl_moe::DeviceForm& form,
                            std::int64_t accumulation, std::int64_t steps, bool draws_normal);
/// Fills all matrices with normal values of a table.
void fill_from_table(multipl_moe::LanguageModel& model, double deviation);
std::vector<multipl_moe::Token> random_tokens(std::int64_t count, std::int64_t vocabulary, std::uint64_t seed);

/// Seconds since it was made.
class Stopwatch {
 public:
  double seconds() const;

 private:
  std::int64_t begin_ = now();
  static std::int64_t now();
};

}  // namespace gpu_program
