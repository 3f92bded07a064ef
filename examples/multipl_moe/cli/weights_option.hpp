/// --weights and --dtype of commands that run a model without training it: where its weights are, and in what type it
/// computes.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

struct InferenceFlags {
  std::string model, weights = "auto", dtype = "float32";
  int threads = 0;
  bool quiet = false;
};
/// Adds --dtype and --weights auto, float32 or stored; with `decodes` also bfloat16 and int8.
void add_weights_options(CLI::App& command, InferenceFlags& flags, bool decodes = false);

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
/// notice says so. Throws UsageError for flags that do not fit each other or the model, OutOfMemory before memory is
/// allocated, and as load_model().
std::unique_ptr<LanguageModel> load_for_inference(const InferenceFlags& flags, const InferenceRun& run);

}  // namespace multipl_moe
