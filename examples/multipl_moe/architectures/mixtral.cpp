/// Mixtral (Jiang et al., 2024): every token visits its best experts, whose weights sum to 1; no choice is dropped.
#include <array>

#include "multipl_moe/architectures/list.hpp"
#include "multipl_moe/architectures/token_experts.hpp"

namespace multipl_moe {

namespace of_mixtral {
namespace {

constexpr std::array settings{&num_token_experts, &num_experts_per_tok, &moe_intermediate_size};

void publish(MoeConfig& moe, std::int64_t) { publish_token_level(moe, 8, 2); }

}  // namespace
}  // namespace of_mixtral

const Architecture mixtral{.name = "mixtral",
                           .settings = of_mixtral::settings,
                           .publish = of_mixtral::publish,
                           .fault = fault_in_token_choice,
                           .work = &token_expert_work};

}  // namespace multipl_moe
