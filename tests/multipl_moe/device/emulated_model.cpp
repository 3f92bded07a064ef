#include "emulated_model.hpp"

#include "multipl_moe/model/transformer_model.hpp"

namespace multipl_moe::testing {

namespace {

template <class Value>
using Model = TransformerModel<Value, moe::testing::EmulatedWarps>;

}  // namespace

std::unique_ptr<LanguageModel> make_emulated_model(const ModelConfig& config, ModelDtype dtype,
                                                   const ExpertSpread& spread) {
  if (dtype == ModelDtype::float32)
    return std::make_unique<Model<float>>(config, 1, make_emulated_layer<float>, spread);
  return std::make_unique<Model<moe::BFloat16>>(config, 1, make_emulated_layer<moe::BFloat16>, spread);
}

moe::testing::EmulatedWarps::Device& device_of(LanguageModel& model) {
  if (const auto* of_float = dynamic_cast<const Model<float>*>(&model)) return *of_float->context().device;
  return *dynamic_cast<const Model<moe::BFloat16>&>(model).context().device;
}

}  // namespace multipl_moe::testing
