#include "multipl_moe/io/mixture_settings.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

namespace multipl_moe {

namespace {

bool is_multipl(std::string_view name) { return name.find("multipl-moe") != name.npos; }
bool is_causal(std::string_view name) { return name == "causal-multipl-moe"; }
bool is_capped(std::string_view name) { return name == "multipl-moe-released"; }
bool is_gshard(std::string_view name) { return name == "gshard"; }
bool is_fine_grained(std::string_view name) { return name == "qwen1.5-moe"; }
bool is_lora(std::string_view name) { return name == "lora"; }
bool is_mole(std::string_view name) { return name == "mole"; }
bool has_experts(std::string_view name) { return !is_lora(name) && !is_mole(name); }

using Moe = MoeConfig;

constexpr auto segments = has_segment_level;
constexpr MixtureSetting::Need shared_expert{"--router", &Moe::router, "shared-top-k"};
constexpr MixtureSetting::Need boundary_windows{"--segmenter", &Moe::segmenter, "boundary-window"};

// clang-format off
constexpr std::array<MixtureSetting, 27> table{{
  {"router",                          "--router",            &Moe::router,                          is_multipl},
  {"num_token_experts",               "--token-experts",     &Moe::num_token_experts,               has_experts},
  {"num_segment_experts",             "--segment-experts",   &Moe::num_segment_experts,             segments},
  {"num_experts_per_tok",             "--experts-per-token", &Moe::num_experts_per_tok,             has_experts},
  {"shared_expert_index",             "--shared-expert",     &Moe::shared_expert_index,             is_multipl, shared_expert},
  {"segmenter",                       "--segmenter",         &Moe::segmenter,                       segments},
  {"segment_window",                  "--segment-window",    &Moe::segment_window,                  segments},
  {"segment_minimum_window",          "--minimum-window",    &Moe::segment_minimum_window,          segments, boundary_windows},
  {"segment_boundary_token",          "--boundary-token",    &Moe::segment_boundary_token,          segments, boundary_windows},
  {"segment_expert_cap",              "--expert-cap",        &Moe::segment_expert_cap,              is_capped},
  {"segment_capacity_factor",         "--capacity-factor",   &Moe::segment_capacity_factor,         segments},
  {"fusion",                          "--fusion",            &Moe::fusion,                          segments},
  {"fusion_token_weight",             "--token-weight",      &Moe::fusion_token_weight,             segments},
  {"fusion_segment_weight",           "--segment-weight",    &Moe::fusion_segment_weight,           segments},
  {"balance",                         "--balance",           &Moe::balance,                         is_multipl, shared_expert},
  {"threshold_beta",                  "--threshold-beta",    &Moe::threshold_beta,                  is_causal},
  {"moe_intermediate_size",           "",                    &Moe::moe_intermediate_size,           has_experts},
  {"shared_expert_intermediate_size", "",                    &Moe::shared_expert_intermediate_size, is_fine_grained},
  {"expert_capacity_factor",          "--expert-capacity",   &Moe::expert_capacity_factor,          is_gshard},
  {"random_choice",                   "--random-choice",     &Moe::random_choice,                   is_gshard},
  {"lora_rank",                       "--lora-rank",         &Moe::lora_rank,                       is_lora},
  {"lora_alpha",                      "--lora-alpha",        &Moe::lora_alpha,                      is_lora},
  {"languages",                       "--languages",         &Moe::languages,                       is_mole},
  {"language_rank",                   "--language-rank",     &Moe::language_rank,                   is_mole},
  {"language_alpha",                  "--language-alpha",    &Moe::language_alpha,                  is_mole},
  {"shared_rank",                     "--shared-rank",       &Moe::shared_rank,                     is_mole},
  {"shared_alpha",                    "--shared-alpha",      &Moe::shared_alpha,                    is_mole},
}};
// clang-format on

std::string text_of(const std::vector<std::string>& values) { return fmt::format("{}", fmt::join(values, ",")); }
template <class Value>
std::string text_of(const Value& value) {
  return fmt::to_string(value);
}

}  // namespace

bool has_segment_level(std::string_view architecture) {
  return is_multipl(architecture) && !architecture.ends_with("-without-segments");
}

std::span<const MixtureSetting> mixture_settings() { return table; }

bool applies(const MixtureSetting& setting, const MoeConfig& moe) {
  if (!setting.belongs_to(moe.architecture)) return false;
  return !setting.need || moe.*setting.need->field == setting.need->value;
}

std::string where_it_applies(const MixtureSetting& setting, const MoeConfig& moe) {
  if (setting.belongs_to(moe.architecture))
    return fmt::format("a setting of {0} {1}, found {0} {2}", setting.need->flag, setting.need->value,
                       moe.*setting.need->field);
  std::vector<std::string> names = mixture_names();
  std::erase_if(names, [&setting](const std::string& name) { return !setting.belongs_to(name); });
  return fmt::format("a setting of --arch {}, found --arch {}", fmt::join(names, ", "), moe.architecture);
}

std::vector<std::string> take_idle_settings(MoeConfig& moe, std::int64_t intermediate_size) {
  const MoeConfig own = mixture_named(moe.architecture, intermediate_size).value();
  std::vector<std::string> idle;
  for (const MixtureSetting& setting : mixture_settings()) {
    if (applies(setting, moe)) continue;
    std::visit(
        [&](auto field) {
          if (moe.*field == own.*field) return;
          idle.push_back(fmt::format("{} = {}", setting.key, text_of(moe.*field)));
          moe.*field = own.*field;
        },
        setting.field);
  }
  return idle;
}

std::string in_flags(std::string text) {
  for (const MixtureSetting& setting : mixture_settings()) {
    const std::string name = fmt::format("moe.{} ", setting.key);
    for (std::size_t at; !setting.flag.empty() && (at = text.find(name)) != text.npos;)
      text.replace(at, name.size(), fmt::format("{} ", setting.flag));
  }
  return text;
}

}  // namespace multipl_moe
