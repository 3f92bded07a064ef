/// GShard (Lepikhin et al., 2020): in training an expert has a capacity, and a token's choices after the first are kept
/// at random, with a probability that grows with the gate. In inference it is a Mixtral.
#include <array>

#include "multipl_moe/architectures/list.hpp"
#include "multipl_moe/architectures/token_experts.hpp"

namespace multipl_moe {

namespace of_gshard {
namespace {

constexpr std::array<std::string_view, 2> switches{"on", "off"};

constexpr MixtureSetting expert_capacity{.key = "expert_capacity_factor",
                                         .flag = "--expert-capacity",
                                         .help =
                                             "capacity of a gshard expert in training, as a multiple of an even share "
                                             "of the choices; the overflow is dropped; 0: no limit [1.25]",
                                         .field = &MoeConfig::expert_capacity_factor,
                                         .least = 0,
                                         .most = largest_factor};
constexpr MixtureSetting random_choice{.key = "random_choice",
                                       .flag = "--random-choice",
                                       .help =
                                           "on: in training, gshard keeps each of a token's choices after the first at "
                                           "random, with probability min(1, 2 gate); off: it keeps all [on]",
                                       .field = &MoeConfig::random_choice,
                                       .choices = switches};

constexpr std::array settings{&num_token_experts,     &num_experts_per_tok, &global_balance,
                              &moe_intermediate_size, &expert_capacity,     &random_choice};

void publish(MoeConfig& moe, std::int64_t) {
  publish_token_level(moe, 12, 3);
  moe.expert_capacity_factor = 1.25;
  moe.random_choice = "on";
}

void compose(const MoeConfig& moe, moe::Composition& composition) {
  compose_token_level(moe, composition);
  composition.expert_capacity = moe.expert_capacity_factor;
  composition.random_choice = moe.random_choice == "on";
}

constexpr LayerWork work = [] {
  LayerWork own = token_expert_work;
  own.compose = compose;
  return own;
}();

}  // namespace
}  // namespace of_gshard

const Architecture gshard{.name = "gshard",
                          .settings = of_gshard::settings,
                          .publish = of_gshard::publish,
                          .fault = fault_in_token_choice,
                          .has_any_activation = true,
                          .work = &of_gshard::work};

}  // namespace multipl_moe
