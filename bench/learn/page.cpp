#include "bench/learn/page.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

#include "multipl_moe/data/language.hpp"

namespace moe_bench {

namespace {

using Strategies = std::vector<StrategySummary>;

std::string with_spread(const Statistic& value, int digits) {
  if (!std::isfinite(value.mean)) return "-";
  if (!std::isfinite(value.deviation)) return fmt::format("{:.{}f}", value.mean, digits);
  return fmt::format("{:.{}f} ± {:.{}f}", value.mean, digits, value.deviation, digits);
}

std::string bits(const StrategySummary& strategy) { return with_spread(strategy.bits_per_byte, 3); }

std::string percent(const std::optional<double>& share) { return share ? fmt::format("{:.1f} %", 100 * *share) : "-"; }

std::string listed(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < names.size(); ++i)
    text += (i == 0 ? "" : i + 1 == names.size() ? " and " : ", ") + ("`" + names[i] + "`");
  return text;
}

Strategies causal_ones(Strategies strategies) {
  std::erase_if(strategies, [](const StrategySummary& s) { return !s.causal; });
  return strategies;
}

const StrategySummary* find(const Strategies& strategies, const std::string& name) {
  const auto found =
      std::find_if(strategies.begin(), strategies.end(), [&](const StrategySummary& s) { return s.name == name; });
  return found == strategies.end() ? nullptr : &*found;
}

/// Root of the sum of both variances; 0 if there is one seed.
double joint_deviation(const StrategySummary& a, const StrategySummary& b) {
  const double joint = std::hypot(a.bits_per_byte.deviation, b.bits_per_byte.deviation);
  return std::isfinite(joint) ? joint : 0;
}

double lead(const StrategySummary& better, const StrategySummary& worse) {
  return worse.bits_per_byte.mean - better.bits_per_byte.mean;
}

std::string seeds_text(const StrategySummary& better, const StrategySummary& worse) {
  const auto [won, both] = seeds_won(better, worse);
  return fmt::format("better on {} of {} {}", won, both, both == 1 ? "seed" : "seeds");
}

std::string best_at_equal_tokens(const Strategies& best_first) {
  const StrategySummary& best = best_first.front();
  std::string text = fmt::format("**At equal tokens `{}` learned most**: {} bits per byte", best.name, bits(best));
  if (best_first.size() == 1) return text + ".";
  const StrategySummary& next = best_first[1];
  text += fmt::format(", {:.3f} below `{}` ({}), the next, and {}.", lead(best, next), next.name, bits(next),
                      seeds_text(best, next));
  std::vector<std::string> as_good;
  for (std::size_t i = 1; i < best_first.size(); ++i)
    if (lead(best, best_first[i]) <= joint_deviation(best, best_first[i])) as_good.push_back(best_first[i].name);
  if (!as_good.empty())
    text += fmt::format(" Within the spread over seeds {} {} as good.", listed(as_good),
                        as_good.size() == 1 ? "is" : "are");
  return text;
}

std::string best_at_equal_time(const Strategies& strategies) {
  const auto fastest = std::min_element(strategies.begin(), strategies.end(),
                                        [](const auto& a, const auto& b) { return a.seconds.mean < b.seconds.mean; });
  if (fastest->curve.empty()) return {};
  const double time = fastest->curve.back().seconds;
  std::vector<std::pair<double, const StrategySummary*>> there;
  for (const StrategySummary& strategy : strategies)
    if (const auto held_out = held_out_at(strategy, time)) there.emplace_back(*held_out, &strategy);
  if (there.empty()) return {};
  std::sort(there.begin(), there.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  const auto& [best, winner] = there.front();
  std::string text = fmt::format(
      "**At equal time `{}` was best**: after {:.1f} s, when `{}`, the fastest, had read all its tokens, it "
      "had reached {:.3f} bits per byte of the development text",
      winner->name, time, fastest->name, best);
  if (there.size() > 1)
    text += fmt::format("; `{}`, the next, {:.3f}, and `{}`, the last, {:.3f}", there[1].second->name, there[1].first,
                        there.back().second->name, there.back().first);
  return text + ". Slower strategies still had a higher learning rate at that time, which is a disadvantage.";
}

std::string worth(const Strategies& strategies) {
  const auto names = worth_their_cost(strategies);
  std::vector<std::string> shown;
  for (const std::string& name : names) {
    const StrategySummary& s = *find(strategies, name);
    shown.push_back(fmt::format("`{}` ({:.1f} thousand tokens/s, {:.3f})", name, s.tokens_per_second.mean / 1e3,
                                s.bits_per_byte.mean));
  }
  std::string text = fmt::format("**Worth their cost**, fastest first: {}.", fmt::join(shown, ", "));
  const std::size_t others = strategies.size() - names.size();
  if (others == 0) return text;
  return text + fmt::format(" {} beaten by one of these in both speed and bits per byte.",
                            others == 1 ? "The other one is" : fmt::format("All {} others are", others));
}

/// The names in parentheses; nothing if there are more than six.
std::string few_named(const std::vector<std::string>& names) {
  return names.empty() || names.size() > 6 ? "" : " (" + listed(names) + ")";
}

/// Which strategies are better than a control by more than the spread, and which are worse by more than it.
std::string against(const Strategies& strategies, const std::string& control, const std::string& what) {
  const StrategySummary* base = find(strategies, control);
  if (base == nullptr || strategies.size() < 2) return {};
  std::vector<std::string> better, worse;
  for (const StrategySummary& strategy : strategies) {
    if (strategy.name == control) continue;
    if (lead(strategy, *base) > joint_deviation(strategy, *base)) better.push_back(strategy.name);
    if (lead(*base, strategy) > joint_deviation(strategy, *base)) worse.push_back(strategy.name);
  }
  return fmt::format(
      "**Against {}** (`{}`, {}): {} of {} are better by more than the spread{}, {} worse by "
      "as much{}.",
      what, control, bits(*base), better.size(), strategies.size() - 1, few_named(better), worse.size(),
      few_named(worse));
}

/// The tokens after which the means of `strategy` stay below those of `control` up to the last common point; empty if
/// they do not.
std::optional<std::int64_t> overtakes(const StrategySummary& strategy, const StrategySummary& control) {
  std::optional<std::int64_t> since;
  for (const CurvePoint& point : strategy.curve)
    for (const CurvePoint& of_control : control.curve) {
      if (point.tokens != of_control.tokens) continue;
      if (point.held_out.mean >= of_control.held_out.mean)
        since.reset();
      else if (!since)
        since = point.tokens;
    }
  return since;
}

/// After how many tokens each strategy is better than the control for good.
std::string when_overtaken(const Strategies& strategies, const std::string& control, const std::string& what) {
  const StrategySummary* base = find(strategies, control);
  if (base == nullptr || strategies.size() < 2 || base->curve.empty()) return {};
  std::map<std::int64_t, std::vector<std::string>> since;
  std::vector<std::string> never;
  for (const StrategySummary& strategy : strategies) {
    if (strategy.name == control) continue;
    if (const auto tokens = overtakes(strategy, *base))
      since[*tokens].push_back(strategy.name);
    else
      never.push_back(strategy.name);
  }
  std::vector<std::string> shown;
  for (const auto& [tokens, names] : since)
    shown.push_back(fmt::format("from {:.2f} M tokens on {}", static_cast<double>(tokens) / 1e6, listed(names)));
  if (!never.empty()) shown.push_back("not by the end " + listed(never));
  return fmt::format(
      "**When better than {}**, on the development text, by the means over seeds at {} points of training: {}.", what,
      base->curve.size(), fmt::join(shown, "; "));
}

std::string balance(Strategies strategies) {
  std::erase_if(strategies, [](const StrategySummary& s) { return !s.peak; });
  if (strategies.size() < 2) return {};
  const auto [even, uneven] = std::minmax_element(strategies.begin(), strategies.end(),
                                                  [](const auto& a, const auto& b) { return *a.peak < *b.peak; });
  std::string text = fmt::format(
      "**Balance**: `{}` was worst, its busiest expert had {:.2f} times the mean of its batch in the second half of "
      "training; `{}` was most even ({:.2f}).",
      uneven->name, *uneven->peak, even->name, *even->peak);
  const auto dropper = std::max_element(strategies.begin(), strategies.end(), [](const auto& a, const auto& b) {
    return a.dropped.value_or(0) < b.dropped.value_or(0);
  });
  if (dropper->dropped.value_or(0) > 0)
    text += fmt::format(" `{}` dropped most: {:.1f} % of what was chosen.", dropper->name, 100 * *dropper->dropped);
  return text;
}

std::string lookers_ahead(const Strategies& best_first) {
  std::vector<std::string> shown;
  for (const StrategySummary& strategy : best_first)
    if (!strategy.causal) shown.push_back(fmt::format("`{}` ({})", strategy.name, bits(strategy)));
  if (shown.empty()) return {};
  return fmt::format(
      "**Not in the ranking**, since not causal: {}. A token's experts depend on later tokens there, so part of their "
      "gain may come from these, and text cannot be generated token by token.",
      fmt::join(shown, ", "));
}

std::string row(const std::vector<std::string>& cells) { return fmt::format("| {} |\n", fmt::join(cells, " | ")); }
std::string head(const std::vector<std::string>& names) {
  std::string text = row(names) + "|";
  for (std::size_t i = 0; i < names.size(); ++i) text += i == 0 ? "---|" : "---:|";
  return text + "\n";
}

std::string result_table(const Strategies& best_first, Times times) {
  std::vector<std::string> names{"strategy", "held-out bits per byte", "busiest / mean", "dropped",
                                 "unserved", "active experts",         "parameters",     "causal"};
  if (times == Times::shown) names.insert(names.begin() + 2, "tokens/s");
  std::string text = head(names);
  for (const StrategySummary& s : best_first) {
    std::vector<std::string> cells{"`" + s.name + "`",
                                   bits(s),
                                   s.peak ? fmt::format("{:.2f}", *s.peak) : "-",
                                   percent(s.dropped),
                                   percent(s.unserved),
                                   percent(s.met),
                                   fmt::format("{:.2f} M", static_cast<double>(s.parameters) / 1e6),
                                   !s.causal           ? "no"
                                   : s.batch_invariant ? "yes"
                                                       : "yes, but depends on the batch"};
    if (times == Times::shown) cells.insert(cells.begin() + 2, with_spread(s.tokens_per_second, 0));
    text += row(cells);
  }
  return text;
}

std::string language_table(const Strategies& best_first) {
  std::vector<std::string> names{"strategy"};
  for (const auto& [language, value] : best_first.front().bits_per_byte_by_language)
    names.emplace_back(multipl_moe::title_of(multipl_moe::language_named(language)));
  std::string text = head(names);
  for (const StrategySummary& s : best_first) {
    std::vector<std::string> cells{"`" + s.name + "`"};
    for (const auto& [language, value] : s.bits_per_byte_by_language) cells.push_back(with_spread(value, 3));
    text += row(cells);
  }
  return text;
}

std::string routing_table(const Strategies& strategies) {
  std::string text = "| strategy | how it routes |\n|---|---|\n";
  for (const StrategySummary& s : strategies) text += row({"`" + s.name + "`", s.routing});
  return text;
}

std::string picture(const std::string& folder, const std::string& name, const std::string& what) {
  return fmt::format("![{}]({}/{}.png)\n\n", what, folder, name);
}

std::size_t most_seeds(const Strategies& strategies) {
  std::size_t most = 0;
  for (const StrategySummary& s : strategies) most = std::max(most, s.seeds.size());
  return most;
}

std::string how(const StudySetup& s, const Strategies& strategies, const std::string& command, Times times) {
  const double tokens = static_cast<double>(s.steps * s.sequences * s.length);
  std::vector<std::string> languages;
  for (const std::string& name : s.languages)
    languages.emplace_back(multipl_moe::title_of(multipl_moe::language_named(name)));
  return fmt::format(
      "One small language model ({}, {} layers, width {}) is trained from scratch with each strategy in\n"
      "place of every layer's FFN: {} strategies, {} seeds. The seed determines the initial weights, by their names,\n"
      "and the order of the data, so all strategies read the same {:.2f} M tokens of {}, in equal parts (of\n"
      "{:.1f} M tokens in all). The experts of a row together have the {} inner channels of the dense FFN, and all\n"
      "experts {} times as many ({} experts, {} per row, or the same parameters divided differently).\n"
      "{} steps of {} x {} tokens, AdamW, cosine with warm-up to {:g}; auxiliary losses have the weights of each\n"
      "strategy's source. Tables: {} KiB of test text per language. Curves: {} KiB of development text each.\n\n"
      "{}, {} cores, {} {}, {}, float32. {}\n\n"
      "```sh\n{}\n```\n\n",
      s.tokenizer.empty() ? "byte tokens" : fmt::format("a tokenizer of {} tokens", s.vocabulary), s.layers, s.width,
      strategies.size(), most_seeds(strategies), tokens / 1e6, fmt::join(languages, ", "),
      static_cast<double>(s.train_tokens) / 1e6, s.hidden,
      fmt::format("{:g}", static_cast<double>(s.experts) / static_cast<double>(s.choices)), s.experts, s.choices,
      s.steps, s.sequences, s.length, s.learning_rate, s.test_bytes / 1024, s.curve_bytes / 1024, s.cpu, s.cores,
      s.threads, s.threads == 1 ? "thread" : "threads", s.compiler,
      times == Times::shown ? "Seconds are of training alone."
                            : "Other processes used the CPU during the study, so speeds and\ntimes are left out.",
      command);
}

}  // namespace

std::vector<std::string> findings_of(const Strategies& strategies, Times times) {
  const Strategies all = ranked(strategies), causal = causal_ones(all);
  std::vector<std::string> findings;
  const auto add = [&](std::string text) {
    if (!text.empty()) findings.push_back(std::move(text));
  };
  if (!causal.empty()) {
    add(best_at_equal_tokens(causal));
    if (times == Times::shown) {
      add(best_at_equal_time(causal));
      if (causal.size() > 1) add(worth(causal));
    }
    add(against(causal, "random", "routing at random"));
    add(when_overtaken(causal, "random", "routing at random"));
    add(against(causal, "dense", "a dense FFN of as many active parameters"));
  }
  add(balance(all));
  add(lookers_ahead(all));
  for (const StrategySummary& strategy : strategies)
    for (const std::string& failure : strategy.failures) add(fmt::format("`{}` failed: {}.", strategy.name, failure));
  return findings;
}

std::string study_page(const StudySetup& setup, const Strategies& strategies, const std::string& command,
                       const std::string& pictures, Times times) {
  const Strategies best_first = ranked(strategies);
  std::string text =
      (times == Times::shown ? "# Which routing is worth its cost\n\n" : "# Which routing learns most\n\n") +
      std::string(
          "Written by `moe_bench report`: all numbers and findings are computed from the study's `learn.jsonl`.\n\n"
          "## Findings\n\n");
  for (const std::string& finding : findings_of(strategies, times)) text += "- " + finding + "\n";
  text += "\n## What was compared\n\n" + how(setup, strategies, command, times);
  if (best_first.empty()) return text + "No run has a valid result.\n";
  text +=
      "## Results\n\nMean ± sample standard deviation over seeds, best first.\n\n" + result_table(best_first, times) +
      "\n- Busiest / mean: kept pairs of a batch's busiest expert over the mean over experts, in the second half of\n"
      "  training; an expert that processes every row by design is left out.\n"
      "- Dropped: selected pairs of row and expert that exceeded the capacity. Unserved: rows (or segments) that no\n"
      "  routed expert processed. Active experts: share of the routed experts that processed a row.\n"
      "- Not causal: the held-out loss may benefit from later tokens.\n\n";
  const bool with_times = times == Times::shown;
  text +=
      picture(pictures, "results",
              with_times ? "held-out loss, speed and balance by strategy" : "held-out loss and balance by strategy");
  if (with_times) text += picture(pictures, "cost", "held-out loss against the time of training");
  text += "## Learning\n\n" + picture(pictures, "learning_by_tokens", "held-out loss by tokens");
  if (with_times) text += picture(pictures, "learning_by_seconds", "held-out loss by seconds");
  if (std::any_of(best_first.begin(), best_first.end(), [](const StrategySummary& s) { return !s.levels.empty(); }))
    text +=
        "## Loads\n\nExperts from top to bottom, layer by layer, with the first seed; white is an even load, blue "
        "less, red more.\n\n" +
        picture(pictures, "loads", "load of each expert over training");
  text += "## By language\n\nHeld-out bits per byte.\n\n" + language_table(best_first);
  text += "\n## What each strategy does\n\n" + routing_table(strategies);
  text +=
      "\n## What this does not show\n\n"
      "- One small model, little text, few steps: the order of the strategies may differ at other sizes. Differences\n"
      "  within the spread are not significant, and with so few seeds the spread itself is uncertain.\n"
      "- One learning rate for all, and the loss weights of each source: nothing was tuned for any strategy.\n"
      "- Imbalance costs nothing here, where one machine holds all experts; across machines the busiest expert\n"
      "  determines the time.\n";
  if (with_times) text += "- Speed is that of this CPU in one process.\n";
  return text;
}

}  // namespace moe_bench
