#include "multipl_moe/architectures/token_experts.hpp"

#include <fmt/format.h>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

void publish_token_level(MoeConfig& moe, std::int64_t experts, std::int64_t k) {
  moe.num_token_experts = experts;
  moe.num_experts_per_tok = k;
  moe.num_segment_experts = 0;
  moe.shared_expert_index = -1;
}

std::optional<std::string> fault_in_token_choice(const MoeConfig& moe) {
  if (moe.num_experts_per_tok <= moe.num_token_experts) return std::nullopt;
  return fmt::format("moe.num_experts_per_tok must be 1 to {}, found {}", moe.num_token_experts,
                     moe.num_experts_per_tok);
}

std::int64_t read_expert_count(const Fields& fields, std::int64_t otherwise) {
  const std::int64_t local = fields.integer("num_local_experts", otherwise);
  const std::int64_t experts = fields.integer("num_experts", local);
  if (fields.has("num_local_experts") && experts != local)
    throw BadFile(fields.path(), fmt::format("num_experts must be num_local_experts, {}, found {}", local, experts));
  return experts;
}

void compose_token_level(const MoeConfig& moe, moe::Composition& composition) {
  composition.settings.token_experts = moe.num_token_experts;
  composition.settings.k = moe.num_experts_per_tok;
  composition.global_balance = moe.global_balance;
}

moe::TrainByName trains_whole(const ModelConfig&) { return {}; }
bool is_constant_where_one_is_chosen(const MoeConfig& moe) { return moe.num_experts_per_tok == 1; }
std::vector<std::int64_t> no_fixed_experts(const MoeConfig&) { return {}; }

void check_width_of_copies(const ModelConfig& config, const moe::Upcycling&) {
  if (config.expert_width() != config.intermediate_size)
    throw UsageError(fmt::format("[upcycle] an expert must be as wide as the dense FFN, {}, found {}",
                                 config.intermediate_size, config.expert_width()));
}

void upcycle_into_copies(const Layer::Context& context, const Layer::Dense& ffn, Layer& layer,
                         const moe::Upcycling& start, const std::string& prefix) {
  upcycle(context, ffn, layer, start, prefix);
}

Layer::Dense make_copy(const Layer::Context& context, const Layer::Dense& ffn, const ModelConfig& config,
                       std::optional<std::int64_t>, const moe::Upcycling& start, const std::string& name) {
  Layer::Dense expert(config.hidden_size, config.intermediate_size);
  moe::upcycle_expert(context, ffn, expert, start, name);
  return expert;
}

void narrow_copies(MoeConfig& moe) { moe.moe_intermediate_size = 0; }

}  // namespace multipl_moe
