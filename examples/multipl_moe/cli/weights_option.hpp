/// --device, --dtype and --weights of commands that run a model without training it: where it computes, in what type,
/// and where its weights are.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/cli/device_option.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

struct InferenceFlags {
  std::string model, weights = "auto", device = "cpu", dtype;  ///< no dtype: the default on the device
  int threads = 0;
  bool quiet = false;

  ModelDtype model_dtype() const { return dtype_on(device, dtype); }
};
/// Adds --device, --dtype and --weights auto, float32 or stored; with `decodes` also bfloat16 and int8.
void add_weights_options(CLI::App& command, InferenceFlags& flags, bool decodes = false);

/// Checks --device, --dtype and --weights of `command`, before anything is read. Throws UsageError for flags that do
/// not fit each other, and as require_device().
void require_usable(const InferenceFlags& flags, const std::string& command);

/// What a command is about to do with a model.
struct InferenceRun {
  std::string command;
  /// Whether it decodes token by token, with models that allow it.
  bool decodes = false;
  /// The memory that it takes. The first part is that of the weights.
  std::function<std::vector<MemoryPart>(WeightsForm)> plan;
  /// Settings of the command that need less memory, as in "a smaller --batch-size".
  std::string smaller;
};

/// Loads the model in the form that the flags ask for. With --weights auto the matrices stay in the files if memory
/// cannot hold the whole plan otherwise, or the weights would take more than 60 % of it, and if the files allow it; a
/// notice says so. On a GPU they are in its memory. Throws UsageError for flags that do not fit each other or the
/// model, OutOfMemory before memory is allocated, and as load_model(). With `spread` each process reads its part of the
/// experts, in memory.
std::unique_ptr<LanguageModel> load_for_inference(const InferenceFlags& flags, const InferenceRun& run,
                                                  const ExpertSpread& spread = {});

}  // namespace multipl_moe
