#include "multipl_moe/model/language_model.hpp"

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/instances/instances.hpp"

namespace multipl_moe {

namespace {

template <class Use>
auto with_cpu_architecture(const ModelConfig& config, const Use& use) {
  return with_architecture<float, moe::Cpu<>>(config, use);
}

}  // namespace

std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads) {
  return with_cpu_architecture(
      config, [&]<class Mlp>(std::type_identity<Mlp>) { return InstanceOf<Mlp>::make(config, threads); });
}

std::unique_ptr<LanguageModel> upcycled(LanguageModel& dense, const MoeConfig& mixture, std::uint64_t seed) {
  if (dense.config().moe) throw UsageError("[upcycle] the model must be dense, found " + mixture.architecture);
  ModelConfig config = dense.config();
  config.moe = mixture;
  if (config.expert_width() != config.intermediate_size)
    throw UsageError("[upcycle] an expert must be as wide as the dense FFN, " +
                     std::to_string(config.intermediate_size) + ", found " + std::to_string(config.expert_width()));
  if (const auto fault = fault_in(config)) throw UsageError("[upcycle] " + *fault);
  return with_cpu_architecture(
      config, [&]<class Mlp>(std::type_identity<Mlp>) { return InstanceOf<Mlp>::upcycle(dense, config, seed); });
}

}  // namespace multipl_moe
