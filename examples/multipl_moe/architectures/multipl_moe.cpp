/// MultiPL-MoE (Findings of EMNLP 2025): a token level with a shared expert and a segment level whose experts choose
/// segments, fused with two weights; and its variants: the paper's levels, a causal form, the released code's choices,
/// segment experts whose input is the segments' means, and an ablation without segments.
#include <fmt/format.h>

#include <array>

#include "multipl_moe/architectures/list.hpp"
#include "multipl_moe/architectures/token_experts.hpp"

namespace multipl_moe {

namespace of_multipl_moe {
namespace {

constexpr std::array<std::string_view, 2> routers{"shared-top-k", "top-k"}, balances{"all", "routed"},
    segmenters{"fixed-window", "boundary-window"};
constexpr std::array<std::string_view, 5> fusions{"fixed", "normalized", "scalar", "channel", "matrix"};

constexpr MixtureSetting::Need shared_expert{"--router", &MoeConfig::router, "shared-top-k"};
constexpr MixtureSetting::Need boundary_windows{"--segmenter", &MoeConfig::segmenter, "boundary-window"};

constexpr MixtureSetting router{
    .key = "router",
    .flag = "--router",
    .help =
        "router of MultiPL-MoE's token level: shared-top-k, or top-k (no expert is shared or frozen) [shared-top-k]",
    .field = &MoeConfig::router,
    .choices = routers};
constexpr MixtureSetting segment_experts{.key = "num_segment_experts",
                                         .flag = "--segment-experts",
                                         .help = "number of experts of the segment level [6]",
                                         .field = &MoeConfig::num_segment_experts,
                                         .least = 1,
                                         .most = most_experts};
constexpr MixtureSetting shared_index{
    .key = "shared_expert_index",
    .flag = "--shared-expert",
    .help = "index of the token expert that is always selected and frozen, counted from 0 [0]",
    .field = &MoeConfig::shared_expert_index,
    .least = -1,
    .most = most_experts - 1,
    .need = shared_expert};
constexpr MixtureSetting segmenter{.key = "segmenter",
                                   .flag = "--segmenter",
                                   .help =
                                       "how a text is cut into segments: fixed-window, or boundary-window (a segment "
                                       "may end early, after the boundary token) [fixed-window]",
                                   .field = &MoeConfig::segmenter,
                                   .choices = segmenters};
constexpr MixtureSetting window{.key = "segment_window",
                                .flag = "--segment-window",
                                .help = "length of a segment in tokens; with boundary-window the maximum length [64]",
                                .field = &MoeConfig::segment_window,
                                .least = 1,
                                .most = longest_segment};
constexpr MixtureSetting minimum_window{
    .key = "segment_minimum_window",
    .flag = "--minimum-window",
    .help = "minimum length in tokens of a segment that ends early, with boundary-window [16]",
    .field = &MoeConfig::segment_minimum_window,
    .least = 1,
    .most = longest_segment,
    .need = boundary_windows};
constexpr MixtureSetting boundary_token{
    .key = "segment_boundary_token",
    .flag = "--boundary-token",
    .help = "id of the token that ends a segment early, with boundary-window [the tokenizer's newline]",
    .field = &MoeConfig::segment_boundary_token,
    .least = 0,
    .most = widest_expert,
    .need = boundary_windows};
constexpr MixtureSetting expert_cap{
    .key = "segment_expert_cap",
    .flag = "--expert-cap",
    .help = "maximum number of experts that select the same segment, for multipl-moe-released [4]",
    .field = &MoeConfig::segment_expert_cap,
    .least = 1,
    .most = most_experts};
constexpr MixtureSetting capacity_factor{
    .key = "segment_capacity_factor",
    .flag = "--capacity-factor",
    .help = "capacity factor c of the segment level: each of N experts selects floor(V c / N) of V segments [1]",
    .field = &MoeConfig::segment_capacity_factor,
    .least = 1e-6,
    .most = largest_factor};
constexpr MixtureSetting fusion{
    .key = "fusion",
    .flag = "--fusion",
    .help =
        "how the outputs of the two levels are added: fixed: with --token-weight and --segment-weight; normalized: "
        "these divided by the total weight of the selected experts; scalar, channel, matrix: with learned weights that "
        "start at these [fixed; normalized for causal-multipl-moe]",
    .field = &MoeConfig::fusion,
    .choices = fusions,
    .former_choice = {"normalised", "normalized"}};
constexpr MixtureSetting token_weight{.key = "fusion_token_weight",
                                      .flag = "--token-weight",
                                      .help = "weight of the token-level MoE in the fusion [0.7]",
                                      .field = &MoeConfig::fusion_token_weight,
                                      .least = 0,
                                      .most = largest_factor};
constexpr MixtureSetting segment_weight{.key = "fusion_segment_weight",
                                        .flag = "--segment-weight",
                                        .help = "weight of the segment-level MoE in the fusion [0.3]",
                                        .field = &MoeConfig::fusion_segment_weight,
                                        .least = 0,
                                        .most = largest_factor};
constexpr MixtureSetting balance{.key = "balance",
                                 .flag = "--balance",
                                 .help =
                                     "experts that the balance loss covers: all (as in the paper), or routed (without "
                                     "the shared expert) [all; routed for causal-multipl-moe]",
                                 .field = &MoeConfig::balance,
                                 .choices = balances,
                                 .need = shared_expert};
constexpr MixtureSetting threshold_beta{
    .key = "threshold_beta",
    .flag = "--threshold-beta",
    .help = "decay of the moving average of the inference thresholds, in [0, 1) [0.98]",
    .field = &MoeConfig::threshold_beta,
    .least = 0,
    .most = 0x1.fffffffffffffp-1};

constexpr std::array settings{&router,         &num_token_experts, &segment_experts, &num_experts_per_tok,
                              &shared_index,   &segmenter,         &window,          &minimum_window,
                              &boundary_token, &capacity_factor,   &fusion,          &token_weight,
                              &segment_weight, &balance,           &global_balance,  &moe_intermediate_size};
constexpr std::array settings_causal{&router,
                                     &num_token_experts,
                                     &segment_experts,
                                     &num_experts_per_tok,
                                     &shared_index,
                                     &segmenter,
                                     &window,
                                     &minimum_window,
                                     &boundary_token,
                                     &capacity_factor,
                                     &fusion,
                                     &token_weight,
                                     &segment_weight,
                                     &balance,
                                     &global_balance,
                                     &threshold_beta,
                                     &moe_intermediate_size};
constexpr std::array settings_released{
    &router,       &num_token_experts, &segment_experts, &num_experts_per_tok, &shared_index,         &segmenter,
    &window,       &minimum_window,    &boundary_token,  &expert_cap,          &capacity_factor,      &fusion,
    &token_weight, &segment_weight,    &balance,         &global_balance,      &moe_intermediate_size};
constexpr std::array settings_without_segments{&router,  &num_token_experts, &num_experts_per_tok,  &shared_index,
                                               &balance, &global_balance,    &moe_intermediate_size};

/// MoeConfig's defaults are the paper's values.
void publish(MoeConfig&, std::int64_t) {}
void publish_causal(MoeConfig& moe, std::int64_t) {
  moe.fusion = "normalized";
  moe.balance = "routed";
}
void publish_without_segments(MoeConfig& moe, std::int64_t) { moe.num_segment_experts = 0; }

std::optional<std::string> fault(const MoeConfig& moe) {
  if (auto in_choice = fault_in_token_choice(moe)) return in_choice;
  if (moe.shared_expert_index >= moe.num_token_experts)
    return fmt::format("moe.shared_expert_index must be -1 to {}, found {}", moe.num_token_experts - 1,
                       moe.shared_expert_index);
  if (moe.fusion_token_weight == 0.0 && moe.fusion == "normalized")
    return "moe.fusion_token_weight must be above 0 with \"normalized\" fusion, found 0";
  return std::nullopt;
}

void compose(const MoeConfig& moe, moe::Composition& c) {
  compose_token_level(moe, c);
  c.router = moe.router;
  c.segmenter = moe.segmenter;
  c.fusion = moe.fusion;
  c.balance_over_routed = moe.balance == "routed";
  c.settings.segment_experts = moe.num_segment_experts;
  c.settings.shared = moe.shared_expert_index;
  c.settings.window = moe.segment_window;
  c.settings.minimum_window = moe.segment_minimum_window;
  c.settings.boundary = static_cast<std::int32_t>(moe.segment_boundary_token);
  c.settings.capacity_factor = moe.segment_capacity_factor;
  c.settings.cap = moe.segment_expert_cap;
  c.settings.token_weight = moe.fusion_token_weight;
  c.settings.segment_weight = moe.fusion_segment_weight;
  c.settings.threshold_beta = moe.threshold_beta;
}

bool has_shared_expert(const MoeConfig& moe) { return moe.router == "shared-top-k" && moe.shared_expert_index >= 0; }

/// New experts, routers and fusions train; the shared expert stays frozen as the dense FFN. Without segments the token
/// level is the whole layer.
moe::TrainByName trains(const ModelConfig& config) {
  const MoeConfig& moe = *config.moe;
  const bool is_token_level = moe.num_segment_experts == 0;
  moe::TrainByName chosen{.train = {"*.mlp.token.*", "*.mlp.segment.*", "*.mlp.fusion.*"}};
  if (is_token_level) chosen.train = {"*.mlp.*"};
  if (has_shared_expert(moe))
    chosen.freeze = {
        fmt::format("{}experts.{}.*", is_token_level ? "*.mlp." : "*.mlp.token.", moe.shared_expert_index)};
  // There the pattern of the token level also matches the FFN of dense layers.
  if (is_token_level && !config.dense_layers.empty())
    for (const char* projection : {"gate_proj", "up_proj", "down_proj"})
      chosen.freeze.push_back(fmt::format("*.mlp.{}.*", projection));
  return chosen;
}

std::vector<std::int64_t> fixed_experts(const MoeConfig& moe) {
  return has_shared_expert(moe) ? std::vector{moe.shared_expert_index} : std::vector<std::int64_t>();
}

constexpr LayerWork work = [] {
  LayerWork own = token_expert_work;
  own.compose = compose;
  own.trains = trains;
  own.fixed_experts = fixed_experts;
  return own;
}();

}  // namespace
}  // namespace of_multipl_moe

const Architecture multipl_moe_paper{.name = "multipl-moe",
                                     .settings = of_multipl_moe::settings,
                                     .publish = of_multipl_moe::publish,
                                     .fault = of_multipl_moe::fault,
                                     .work = &of_multipl_moe::work};
const Architecture multipl_moe_causal{.name = "causal-multipl-moe",
                                      .settings = of_multipl_moe::settings_causal,
                                      .publish = of_multipl_moe::publish_causal,
                                      .fault = of_multipl_moe::fault,
                                      .work = &of_multipl_moe::work};
const Architecture multipl_moe_literal{.name = "multipl-moe-literal",
                                       .settings = of_multipl_moe::settings,
                                       .publish = of_multipl_moe::publish,
                                       .fault = of_multipl_moe::fault,
                                       .work = &of_multipl_moe::work};
const Architecture multipl_moe_released{.name = "multipl-moe-released",
                                        .settings = of_multipl_moe::settings_released,
                                        .publish = of_multipl_moe::publish,
                                        .fault = of_multipl_moe::fault,
                                        .work = &of_multipl_moe::work};
const Architecture multipl_moe_without_segments{.name = "multipl-moe-without-segments",
                                                .settings = of_multipl_moe::settings_without_segments,
                                                .publish = of_multipl_moe::publish_without_segments,
                                                .fault = of_multipl_moe::fault,
                                                .work = &of_multipl_moe::work};

}  // namespace multipl_moe
