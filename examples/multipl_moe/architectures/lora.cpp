/// LoRA (Hu et al., 2021): a low-rank adapter beside every linear map of the dense model.
#include <array>

#include "moe/train/draw_adapters.hpp"
#include "multipl_moe/architectures/adapters.hpp"
#include "multipl_moe/architectures/list.hpp"

namespace multipl_moe {

namespace of_lora {
namespace {

constexpr MixtureSetting rank{.key = "lora_rank",
                              .flag = "--lora-rank",
                              .help = "rank r of the adapters of lora [8]",
                              .field = &MoeConfig::lora_rank,
                              .least = 1,
                              .most = highest_rank};
constexpr MixtureSetting alpha{.key = "lora_alpha",
                               .flag = "--lora-alpha",
                               .help = "alpha of the adapters of lora, whose output is scaled by alpha / r [16]",
                               .field = &MoeConfig::lora_alpha,
                               .least = smallest_alpha,
                               .most = largest_alpha};

constexpr std::array settings{&rank, &alpha};

void publish(MoeConfig& moe, std::int64_t) { publish_adapters(moe); }
std::optional<std::string> no_fault(const MoeConfig&) { return std::nullopt; }

void compose(const MoeConfig& moe, moe::Composition& composition) {
  composition.lora_rank = moe.lora_rank;
  composition.lora_alpha = moe.lora_alpha;
}

double adapter_values(const ModelConfig& config) {
  const auto width = static_cast<double>(config.hidden_size), inner = static_cast<double>(config.intermediate_size),
             queries = static_cast<double>(config.num_attention_heads) * static_cast<double>(config.head_dim());
  return static_cast<double>(config.moe->lora_rank) * (7 * width + 4 * queries + 3 * inner);
}

/// The one adapter, number 0, which processes every token.
std::vector<std::int64_t> fixed_experts(const MoeConfig&) { return {0}; }

void upcycle_with_adapters(const Layer::Context& context, const Layer::Dense& ffn, Layer& layer,
                           const moe::Upcycling& start, const std::string& prefix) {
  upcycle(context, ffn, layer, start, prefix);
}

constexpr LayerWork work{.compose = compose,
                         .trains = trains_adapters,
                         .has_constant_gates = no_constant_gates,
                         .fixed_experts = fixed_experts,
                         .adapts_attention = true,
                         .check = check_start_of_adapters,
                         .upcycle = upcycle_with_adapters,
                         .keeps_ffn = true,
                         .narrow = narrow_nothing};

}  // namespace
}  // namespace of_lora

const Architecture lora{
    .name = "lora",
    .settings = of_lora::settings,
    .publish = of_lora::publish,
    .fault = of_lora::no_fault,
    .is_adapted = true,
    .adapter_values = of_lora::adapter_values,
    .why_not_exported = "its adapters must be merged into its weights first; `merge` writes the dense model",
    .work = &of_lora::work};

}  // namespace multipl_moe
