#include "multipl_moe/model/bfloat16_model.hpp"

#include "multipl_moe/model/cpu_model.hpp"

namespace multipl_moe {

std::unique_ptr<LanguageModel> make_bfloat16_model(const ModelConfig& config, int threads, const ExpertSpread& spread) {
  return std::make_unique<CpuModel<moe::BFloat16>>(config, threads, make_bfloat16_layer, spread);
}

}  // namespace multipl_moe
