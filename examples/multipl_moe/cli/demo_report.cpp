#include "multipl_moe/cli/demo_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "multipl_moe/train/progress.hpp"

namespace multipl_moe {

namespace {

struct NamedRow {
  const char* name;
  const char* key;
  const Evaluation* evaluation;
};

std::vector<NamedRow> rows_of(const DemoScores& s) {
  return {{"base", "base", &s.base},
          {"upcycled, step 0, 0.7/0.3", "step0_fixed", &s.start_fixed},
          {"upcycled, step 0, normalized", "step0_normalized", &s.start_normalized},
          {"dense control", "dense_control", &s.dense},
          {"MultiPL-MoE", "multipl_moe", &s.multipl}};
}

/// Relative change of a mean with respect to the base's.
double change(const Evaluation& evaluation, const Evaluation& base, Resource kind) {
  return mean_bits_per_byte(evaluation, kind) / mean_bits_per_byte(base, kind) - 1;
}

double largest_difference(const Evaluation& a, const Evaluation& b) {
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i] && b[i]) largest = std::max(largest, std::abs(a[i]->bits_per_byte - b[i]->bits_per_byte));
  return largest;
}

std::string verdict_line(bool met, const std::string& text) {
  return fmt::format("{} {}\n", met ? "yes" : "NO ", text);
}

}  // namespace

std::string demo_table(const DemoScores& scores) {
  std::string text = fmt::format("{:<30}", "bits per byte, test split");
  for (const Language language : all_languages) text += fmt::format("{:>8}", title_of(language));
  text += fmt::format("{:>17}{:>17}\n", "high-resource", "low-resource");
  for (const NamedRow& row : rows_of(scores)) {
    text += fmt::format("{:<30}", row.name);
    for (const auto& score : *row.evaluation)
      text += score ? fmt::format("{:>8.3f}", score->bits_per_byte) : "       -";
    for (const Resource kind : {Resource::high, Resource::low}) {
      text += fmt::format("{:>9.3f}", mean_bits_per_byte(*row.evaluation, kind));
      text += row.evaluation == &scores.base
                  ? "        "
                  : fmt::format("{:>+7.1f}%", 100 * change(*row.evaluation, scores.base, kind));
    }
    text += '\n';
  }
  return text;
}

std::string demo_verdict(const DemoScores& s) {
  const double start = largest_difference(s.start_normalized, s.base);
  const double gain = -change(s.multipl, s.base, Resource::low), dense_gain = -change(s.dense, s.base, Resource::low);
  const double hurt = change(s.multipl, s.base, Resource::high), dense_hurt = change(s.dense, s.base, Resource::high);
  return verdict_line(
             start < 1e-4,
             fmt::format("at step 0, normalized fusion equals the base: largest difference {:.1e} bits per byte",
                         start)) +
         verdict_line(
             gain >= 0.20,
             fmt::format("low-resource languages at least 20 % better than the base: {:.1f} % (dense control {:.1f} %)",
                         100 * gain, 100 * dense_gain)) +
         verdict_line(
             hurt < dense_hurt,
             fmt::format("high-resource languages degrade less than in the dense control: {:+.1f} % against {:+.1f} %",
                         100 * hurt, 100 * dense_hurt));
}

std::string demo_speeds(const std::vector<DemoPart>& parts) {
  std::string text;
  for (const DemoPart& part : parts)
    text += fmt::format("{:<30}{:>10} tokens {:>8} {:>9} tok/s\n", part.name, part.tokens, short_duration(part.seconds),
                        short_count(part.seconds > 0 ? static_cast<double>(part.tokens) / part.seconds : 0));
  return text;
}

std::string demo_json(const DemoScores& scores, const std::vector<DemoPart>& parts) {
  nlohmann::ordered_json out;
  for (const NamedRow& row : rows_of(scores))
    for (const Language language : all_languages)
      if (const auto& score = (*row.evaluation)[index_of(language)])
        out["bits_per_byte"][row.key][std::string(name_of(language))] = score->bits_per_byte;
  for (const DemoPart& part : parts)
    out["parts"].push_back({{"name", part.name}, {"tokens", part.tokens}, {"seconds", part.seconds}});
  return out.dump(2) + "\n";
}

}  // namespace multipl_moe
