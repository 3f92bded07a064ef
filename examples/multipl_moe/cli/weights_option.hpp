/// --weights of commands that run a model without training it: where and in what precision its weights are.
#pragma once

#include <CLI/CLI.hpp>
#include <memory>
#include <string>

#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// Adds --weights auto, float32 or stored; with `decodes` also bfloat16.
void add_weights_option(CLI::App& command, std::string& weights, bool decodes = false);

/// Where the value `weights` of --weights puts the matrices of the model in `folder`. With "auto" they stay in the
/// files if they can and float32 would take more than 60 % of the free memory. Throws UsageError for "stored" if a
/// matrix is neither BF16 nor F32; BadFile, IoError.
WeightsPlace place_of_weights(const std::string& command, const std::string& folder, const std::string& weights);

/// Loads a model for inference. Prints progress on stderr unless `quiet`. Throws as load_model().
std::unique_ptr<LanguageModel> load_for_inference(const std::string& folder, int threads, WeightsPlace place,
                                                  bool quiet = false);

}  // namespace multipl_moe
