#include "multipl_moe/probe/lesion_report.hpp"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/probe/languages_with.hpp"

namespace multipl_moe::probe {

namespace {

/// A difference of bits that rounds to 0 has no sign.
std::string difference_text(double bits) { return fmt::format("{:.4f}", std::abs(bits) < 5e-5 ? 0 : bits); }

std::string_view title_of_kind(ExpertKind kind) {
  return kind == ExpertKind::shared    ? "all shared experts"
         : kind == ExpertKind::segment ? "all segment experts"
                                       : "all selected token experts";
}

std::string place_text(const ExpertPlace& expert) {
  return fmt::format("{} {} of layer {}", name_of(expert.kind), expert.expert, expert.layer);
}

/// `kind,layer,expert` of a CSV line.
std::string place_fields(const Lesion& lesion) {
  return lesion.expert ? fmt::format("{},{},{}", name_of(lesion.kind), lesion.expert->layer, lesion.expert->expert)
                       : fmt::format("{},,", name_of(lesion.kind));
}

/// The lesion of a selected expert for which value(scores) is highest; null if there is none.
template <class Value>
const LesionScores* highest(const LesionReport& report, const Value& value) {
  const LesionScores* best = nullptr;
  for (const LesionScores& scores : report.lesions)
    if (const auto& expert = scores.lesion.expert; expert && expert->kind != ExpertKind::shared)
      if (best == nullptr || value(scores) > value(*best)) best = &scores;
  return best;
}

std::string kinds_table(const LesionReport& report) {
  const auto languages = languages_with(report.intact);
  std::string text = "| outputs set to 0 |", line = "|---|";
  for (const Language language : languages) {
    text += fmt::format(" {} |", title_of(language));
    line += "---:|";
  }
  text += "\n" + line + "\n| none: bits per byte |";
  for (const Language language : languages)
    text += fmt::format(" {:.4f} |", report.intact[index_of(language)]->bits_per_byte);
  text += "\n";
  for (const LesionScores& scores : report.lesions) {
    if (scores.lesion.expert) continue;
    text += fmt::format("| {}: bits per byte more |", title_of_kind(scores.lesion.kind));
    for (const Language language : languages)
      text += fmt::format(" {} |", difference_text(report.cost(scores, language)));
    text += "\n";
  }
  return text;
}

std::string experts_table(const LesionReport& report) {
  std::string text =
      "| | costs most | its share of the rows | bits per byte more | has most rows | its share | bits per byte more | "
      "rank correlation of share and cost |\n|---|---|---:|---:|---|---:|---:|---:|\n";
  for (const Language language : languages_with(report.intact)) {
    const auto cost = [&](const LesionScores& scores) { return report.cost(scores, language); };
    const auto share = [&](const LesionScores& scores) {
      return report.share(*scores.lesion.expert, language).value_or(0);
    };
    const LesionScores *const costly = highest(report, cost), *const busy = highest(report, share);
    if (costly == nullptr) return "";
    const double correlation = report.share_and_cost(language);
    text += fmt::format("| {} | {} | {:.1f} % | {} | {} | {:.1f} % | {} | {} |\n", title_of(language),
                        place_text(*costly->lesion.expert), 100 * share(*costly), difference_text(cost(*costly)),
                        place_text(*busy->lesion.expert), 100 * share(*busy), difference_text(cost(*busy)),
                        std::isnan(correlation) ? std::string() : fmt::format("{:.2f}", correlation));
  }
  return text;
}

}  // namespace

std::string lesion_page(const LesionReport& report, const std::string& model) {
  std::string text = fmt::format("# What {} loses without its experts\n\n", escaped(model));
  if (!report.is_causal)
    text +=
        "The routing of this model depends on later tokens, so these are no scores of a language model; `probe leak` "
        "measures what they have seen.\n\n";
  text += kinds_table(report);
  if (const std::string experts = experts_table(report); !experts.empty())
    text += "\nEach selected expert of each layer alone:\n\n" + experts;
  return text;
}

std::string lesion_csv(const LesionReport& report) {
  std::string text = "kind,layer,expert,language,bits_per_byte,cost,share\n";
  for (const Language language : languages_with(report.intact))
    text += fmt::format("none,,,{},{:.8g},0,\n", multipl_moe::name_of(language),
                        report.intact[index_of(language)]->bits_per_byte);
  for (const LesionScores& scores : report.lesions)
    for (const Language language : languages_with(report.intact)) {
      const auto share = scores.lesion.expert ? report.share(*scores.lesion.expert, language) : std::optional<double>();
      text += fmt::format("{},{},{:.8g},{:.8g},{}\n", place_fields(scores.lesion), multipl_moe::name_of(language),
                          scores.scores[index_of(language)]->bits_per_byte, report.cost(scores, language),
                          share ? fmt::format("{:.6g}", *share) : std::string());
    }
  return text;
}

std::string lesion_matrix_csv(const LesionReport& report) {
  std::string text = "kind,layer,expert", lines;
  for (const Language language : languages_with(report.intact))
    text += fmt::format(",{}", multipl_moe::name_of(language));
  for (const LesionScores& scores : report.lesions) {
    if (!scores.lesion.expert) continue;
    lines += place_fields(scores.lesion);
    for (const Language language : languages_with(report.intact))
      lines += fmt::format(",{:.8g}", report.cost(scores, language));
    lines += "\n";
  }
  return lines.empty() ? "" : text + "\n" + lines;
}

std::string lesion_json(const LesionReport& report) {
  nlohmann::ordered_json out{{"causal", report.is_causal},
                             {"intact", nlohmann::ordered_json::object()},
                             {"lesions", nlohmann::ordered_json::array()},
                             {"rank_correlation_of_share_and_cost", nlohmann::ordered_json::object()}};
  for (const Language language : languages_with(report.intact)) {
    const std::string name(multipl_moe::name_of(language));
    out["intact"][name] = report.intact[index_of(language)]->bits_per_byte;
    const double correlation = report.share_and_cost(language);
    out["rank_correlation_of_share_and_cost"][name] = nullptr;
    if (!std::isnan(correlation)) out["rank_correlation_of_share_and_cost"][name] = correlation;
  }
  for (const LesionScores& scores : report.lesions) {
    nlohmann::ordered_json lesion{{"kind", name_of(scores.lesion.kind)}};
    if (scores.lesion.expert) {
      lesion["layer"] = scores.lesion.expert->layer;
      lesion["expert"] = scores.lesion.expert->expert;
    }
    for (const Language language : languages_with(report.intact)) {
      const std::string name(multipl_moe::name_of(language));
      lesion["cost"][name] = report.cost(scores, language);
      if (scores.lesion.expert)
        if (const auto share = report.share(*scores.lesion.expert, language)) lesion["share"][name] = *share;
    }
    out["lesions"].push_back(lesion);
  }
  return out.dump(2);
}

}  // namespace multipl_moe::probe
