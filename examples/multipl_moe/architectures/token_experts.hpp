/// Shared by the architectures with token-choice routing: settings, and experts that start as copies of the dense FFN.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "multipl_moe/io/architecture.hpp"
#include "multipl_moe/io/config_fields.hpp"
#include "multipl_moe/model/layer_work.hpp"

namespace multipl_moe {

/// Limits far above any model's values, and low enough that no product of two of them overflows.
inline constexpr double most_experts = 65'536, widest_expert = 1 << 24, longest_segment = 0x1p31, largest_factor = 1e6;

inline constexpr MixtureSetting num_token_experts{.key = "num_token_experts",
                                                  .flag = "--token-experts",
                                                  .help = "number of experts of the token level [the architecture's]",
                                                  .field = &MoeConfig::num_token_experts,
                                                  .least = 1,
                                                  .most = most_experts};
inline constexpr MixtureSetting num_experts_per_tok{
    .key = "num_experts_per_tok",
    .flag = "--experts-per-token",
    .help =
        "number of experts per token, K; in the multipl-moe architectures it includes the shared expert [the "
        "architecture's]",
    .field = &MoeConfig::num_experts_per_tok,
    .least = 1,
    .most = most_experts};
inline constexpr MixtureSetting global_balance{
    .key = "global_balance",
    .flag = "--global-balance",
    .help =
        "the balance loss counts the choices of the micro-batches that all processes compute at the same time, not "
        "those of each micro-batch (arXiv 2501.11873); no effect in one process",
    .field = &MoeConfig::global_balance};
inline constexpr MixtureSetting moe_intermediate_size{.key = "moe_intermediate_size",
                                                      .flag = "",
                                                      .help = "",
                                                      .field = &MoeConfig::moe_intermediate_size,
                                                      .least = 0,
                                                      .most = widest_expert};

/// Sets a mixture with a token level only: `experts` experts, `k` of them per token, none of them shared.
void publish_token_level(MoeConfig& moe, std::int64_t experts, std::int64_t k);
/// The error text if there are more experts per token than experts; empty otherwise.
std::optional<std::string> fault_in_token_choice(const MoeConfig& moe);

/// `num_experts` of a transformers file, or `num_local_experts`, the same field's name in some classes; `otherwise` if
/// it has neither. Throws BadFile if both are given and differ.
std::int64_t read_expert_count(const Fields& fields, std::int64_t otherwise);

void compose_token_level(const MoeConfig& moe, moe::Composition& composition);
/// Selects every weight.
moe::TrainByName trains_whole(const ModelConfig& config);
/// For gates that sum to 1 over a token's experts: with one expert per token the gate is always 1.
bool is_constant_where_one_is_chosen(const MoeConfig& moe);
std::vector<std::int64_t> no_fixed_experts(const MoeConfig& moe);

/// Experts as wide as the dense FFN, each a copy of it apart from the changes that `start` makes.
void check_width_of_copies(const ModelConfig& config, const moe::Upcycling& start);
void upcycle_into_copies(const Layer::Context& context, const Layer::Dense& ffn, Layer& layer,
                         const moe::Upcycling& start, const std::string& prefix);
Layer::Dense make_copy(const Layer::Context& context, const Layer::Dense& ffn, const ModelConfig& config,
                       std::optional<std::int64_t> number, const moe::Upcycling& start, const std::string& name);
void narrow_copies(MoeConfig& moe);

/// Default of the token-choice architectures: all weights train, experts start as copies of the dense FFN.
inline constexpr LayerWork token_expert_work{.compose = compose_token_level,
                                             .trains = trains_whole,
                                             .has_constant_gates = is_constant_where_one_is_chosen,
                                             .fixed_experts = no_fixed_experts,
                                             .check = check_width_of_copies,
                                             .upcycle = upcycle_into_copies,
                                             .make_expert = make_copy,
                                             .has_copies = true,
                                             .narrow = narrow_copies};

}  // namespace multipl_moe
