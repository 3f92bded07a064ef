#include "multipl_moe/reproduce/systems.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string>

namespace multipl_moe::reproduce {

namespace {

/// docs/07_systems.md, over 1.837 billion.
constexpr double hybrid_total = 5.86, hybrid_active = 1.88, hybrid_trainable = 4.86;
/// 24 times three matrices of 2048 x 5504, over 1.837 billion.
constexpr double ffn_share = 0.44;

System hybrid(std::string_view name, std::string_view title, std::vector<std::string_view> items,
              std::vector<std::string_view> upcycle, bool is_causal = false) {
  return {.name = std::string(name),
          .title = std::string(title),
          .items = std::move(items),
          .upcycle = std::move(upcycle),
          .train = {},
          .has_segments = true,
          .is_causal = is_causal,
          .active = hybrid_active,
          .total = hybrid_total,
          .trainable = hybrid_trainable};
}

System token_level(std::string_view name, std::string_view title, std::vector<std::string_view> upcycle) {
  return {.name = std::string(name),
          .title = std::string(title),
          .items = {"table2"},
          .upcycle = std::move(upcycle),
          .train = {},
          .active = 1.44,
          .total = 3.21,
          .trainable = 2.5};
}

/// The systems of the item "bases", made from the other base models, too.
void add_systems_of_bases(std::vector<System>& all) {
  std::vector<System> more;
  for (const BaseModel& base : bases().subspan(1))
    for (const System& system : all) {
      if (!system.is_of("bases")) continue;
      more.push_back(system);
      more.back().name = fmt::format("{}-of-{}", system.name, base.name);
      more.back().title = fmt::format("{}; {}", system.title, base.title);
      more.back().items = {"bases"};
      more.back().base = base.name;
    }
  all.insert(all.end(), more.begin(), more.end());
}

std::vector<System> all_systems() {
  std::vector<System> all;
  all.push_back({.name = "dense",
                 .title = "post-pretraining",
                 .items = {"table1", "figure1", "controls", "bases"},
                 .upcycle = {},
                 .train = {}});
  all.push_back({.name = "lora",
                 .title = "LoRA",
                 .items = {"table1", "figure1"},
                 .upcycle = {"--arch", "lora"},
                 .train = {},
                 .trainable = 0.004});
  all.push_back({.name = "gshard",
                 .title = "GShard",
                 .items = {"table1", "figure1"},
                 .upcycle = {"--arch", "gshard"},
                 .train = {},
                 .active = 1.88,
                 .total = 5.86,
                 .trainable = 5.86});
  all.push_back({.name = "mixtral",
                 .title = "Mixtral",
                 .items = {"table1", "figure1"},
                 .upcycle = {"--arch", "mixtral"},
                 .train = {},
                 .active = 1.44,
                 .total = 4.09,
                 .trainable = 4.09});
  all.push_back({.name = "qwen1.5-moe",
                 .title = "Qwen1.5-MoE",
                 .items = {"table1", "figure1"},
                 .upcycle = {"--arch", "qwen1.5-moe"},
                 .train = {},
                 .active = 1.46,
                 .total = 7.79,
                 .trainable = 7.79});
  all.push_back(hybrid("multipl-moe", "MultiPL-MoE",
                       {"table1", "table2", "table3", "figure1", "figure3", "figure4", "figure5", "figure6", "figure7",
                        "controls", "questions", "bases"},
                       {"--arch", "multipl-moe"}));
  all.push_back(hybrid("causal-multipl-moe", "MultiPL-MoE, causal", {"table1", "figure1", "questions"},
                       {"--arch", "causal-multipl-moe"}, true));
  all.push_back(token_level("without-segments", "without segments", {"--arch", "multipl-moe-without-segments"}));
  all.push_back(hybrid("without-shared", "without the shared expert", {"table2"},
                       {"--arch", "multipl-moe", "--router", "top-k"}));
  all.push_back(
      token_level("without-both", "without both", {"--arch", "multipl-moe-without-segments", "--router", "top-k"}));
  const auto ratio = [&](std::string_view name, std::string_view title, std::string_view token,
                         std::string_view segment, double total) {
    all.push_back(hybrid(name, title, {"figure5"},
                         {"--arch", "multipl-moe", "--token-experts", token, "--segment-experts", segment}));
    all.back().total = total;
    all.back().trainable = total - 1;
  };
  ratio("ratio-4-4", "4 token, 4 segment experts", "4", "4", 4.09);
  ratio("ratio-8-4", "8 token, 4 segment experts", "8", "4", hybrid_total);
  ratio("ratio-4-8", "4 token, 8 segment experts", "4", "8", hybrid_total);
  all.push_back(
      hybrid("all-trained", "MultiPL-MoE, all weights trained", {"controls", "bases"}, {"--arch", "multipl-moe"}));
  all.back().train = {"--trainable", "all"};
  all.back().trainable = hybrid_total;
  // The balance loss would still train what the routers read.
  all.push_back(hybrid("random-routing", "MultiPL-MoE, random routers", {"controls"}, {"--arch", "multipl-moe"}));
  all.back().train = {"--trainable", "frozen-routers", "--balance-weight", "0"};
  all.push_back({.name = "ffn-only",
                 .title = "post-pretraining, feed-forward networks only",
                 .items = {"controls", "bases"},
                 .upcycle = {},
                 .train = {"--trainable", "ffn"},
                 .trainable = ffn_share});
  all.push_back({.name = "dense-equal-time",
                 .title = "post-pretraining for equal time",
                 .items = {"controls"},
                 .upcycle = {},
                 .train = {},
                 .steps = hybrid_active});
  all.push_back(hybrid("mix-7-3", "MultiPL-MoE, mixed 7:3", {"controls"}, {"--arch", "multipl-moe"}));
  all.back().train = {"--mix", "7:3"};
  all.push_back({.name = "dense-mix-7-3",
                 .title = "post-pretraining, mixed 7:3",
                 .items = {"controls"},
                 .upcycle = {},
                 .train = {"--mix", "7:3"}});
  all.push_back({.name = "mole",
                 .title = "MoLE",
                 .items = {"controls"},
                 .upcycle = {"--arch", "mole"},
                 .train = {},
                 .active = 1.02,
                 .total = 1.06,
                 .trainable = 0.06});
  all.push_back(hybrid("multipl-moe-untrained", "MultiPL-MoE, untrained", {"questions"}, {"--arch", "multipl-moe"}));
  all.push_back(hybrid("causal-untrained", "MultiPL-MoE, causal, untrained", {"questions"},
                       {"--arch", "causal-multipl-moe"}, true));
  for (std::size_t i = all.size() - 2; i < all.size(); ++i) all[i].steps = all[i].trainable = 0;
  add_systems_of_bases(all);
  return all;
}

}  // namespace

std::span<const System> systems() {
  static const std::vector<System> all = all_systems();
  return all;
}

std::span<const BaseModel> bases() {
  static constexpr std::array<BaseModel, 4> all{{{"base", "base", "1:199", 0.5},
                                                 {"base-0", "base without low-resource code", "0:1", 0},
                                                 {"base-1", "base with 1 % of low-resource code", "1:99", 1},
                                                 {"base-3", "base with 3 % of low-resource code", "3:97", 3}}};
  return all;
}

bool System::is_of(std::string_view item) const { return std::find(items.begin(), items.end(), item) != items.end(); }

std::vector<std::pair<std::string_view, std::string_view>> all_models() {
  std::vector<std::pair<std::string_view, std::string_view>> models;
  for (const BaseModel& base : bases()) {
    models.emplace_back(base.name, base.title);
    for (const System& system : systems())
      if (system.base == base.name) models.emplace_back(system.name, system.title);
  }
  return models;
}

std::span<const std::string_view> item_names() {
  static constexpr std::array<std::string_view, 12> names{"table1",  "table2",   "table3",    "figure1",
                                                          "figure3", "figure4",  "figure5",   "figure6",
                                                          "figure7", "controls", "questions", "bases"};
  return names;
}

bool is_apart(std::string_view item) { return item == "bases"; }

bool is_model_apart(std::string_view name) {
  for (const System& system : systems())
    if (system.name == name) return std::all_of(system.items.begin(), system.items.end(), is_apart);
  const auto others = bases().subspan(1);
  return std::any_of(others.begin(), others.end(), [name](const BaseModel& base) { return base.name == name; });
}

bool shows_routing(std::string_view item) {
  static constexpr std::array<std::string_view, 5> routing{"table3", "figure3", "figure4", "figure6", "figure7"};
  return std::find(routing.begin(), routing.end(), item) != routing.end();
}

}  // namespace multipl_moe::reproduce
