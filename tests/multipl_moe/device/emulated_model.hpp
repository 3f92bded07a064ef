/// Models on the emulated device. Their layers are compiled once for all tests.
#pragma once

#include <memory>

#include "moe/core/bfloat16.hpp"
#include "moe/runtime/any_layer.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "support/emulated_device.hpp"

namespace multipl_moe::testing {

template <class Value>
using EmulatedLayer = moe::AnyLayer<Value, moe::testing::EmulatedWarps>;

/// The layer that `config` names, all weights 0 except those of a learned fusion.
template <class Value>
EmulatedLayer<Value> make_emulated_layer(const ModelConfig& config);
template <>
EmulatedLayer<float> make_emulated_layer(const ModelConfig& config);
template <>
EmulatedLayer<moe::BFloat16> make_emulated_layer(const ModelConfig& config);

/// make_language_model() on the emulated device. A row's values are computed by WithLanes threads.
std::unique_ptr<LanguageModel> make_emulated_model(const ModelConfig& config, ModelDtype dtype,
                                                   const ExpertSpread& spread = {});
/// The device of such a model.
moe::testing::EmulatedWarps::Device& device_of(LanguageModel& model);

}  // namespace multipl_moe::testing
