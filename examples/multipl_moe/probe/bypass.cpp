#include "multipl_moe/probe/bypass.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/probe/languages_with.hpp"

namespace multipl_moe::probe {

namespace {

/// The layers of the point, which are those of every language.
std::vector<std::uint32_t> layers_of(const BypassPoint& point) {
  std::vector<std::uint32_t> layers;
  for (const Language language : languages_with(point.routing)) {
    for (const auto& [layer, level] : point.routing[index_of(language)]->token) layers.push_back(layer);
    break;
  }
  return layers;
}

std::string heading(const char* first, const std::vector<Language>& languages) {
  std::string text = fmt::format("| {} |", first), line = "|---|";
  for (const Language language : languages) {
    text += fmt::format(" {} |", title_of(language));
    line += "---:|";
  }
  return text + "\n" + line + "\n";
}

}  // namespace

double BypassReport::gate(const BypassPoint& point, std::uint32_t layer, Language language) const {
  return point.routing[index_of(language)]->token.at(layer).mean_gate(static_cast<std::size_t>(expert));
}

double BypassReport::mean_gate(const BypassPoint& point, Language language) const {
  const std::vector<std::uint32_t> layers = layers_of(point);
  double sum = 0;
  for (const std::uint32_t layer : layers) sum += gate(point, layer, language);
  return sum / static_cast<double>(layers.size());
}

std::int64_t shared_expert_of(const ModelConfig& config) {
  const auto fixed = fixed_token_experts(config);
  if (!config.moe || config.moe->is_adapted() || fixed.empty())
    throw UsageError(fmt::format(
        "[probe bypass] the model must have a shared expert among its token experts, as multipl-moe has, found {}; "
        "`probe lesion` measures what any expert gives",
        config.moe ? fmt::format("a model of architecture {} without one", config.architecture())
                   : std::string("a dense model")));
  return fixed.front();
}

std::string bypass_page(const BypassReport& report, const std::string& model) {
  const auto languages = languages_with(report.points.back().routing);
  std::string text = fmt::format(
      "# The gate of the shared expert of {}\n\nMean over the tokens of each language, before any fusion of "
      "levels. Near 0 the expert, token expert {}, is bypassed.\n\n",
      escaped(model), report.expert);
  if (report.points.size() > 1) {
    text += "Mean over layers, by step:\n\n" + heading("step", languages);
    for (const BypassPoint& point : report.points) {
      text += fmt::format("| {} |", point.step.value_or(0));
      for (const Language language : languages) text += fmt::format(" {:.4f} |", report.mean_gate(point, language));
      text += "\n";
    }
    text += "\nAt the last step:\n\n";
  }
  text += heading("layer", languages);
  for (const std::uint32_t layer : layers_of(report.points.back())) {
    text += fmt::format("| {} |", layer);
    for (const Language language : languages)
      text += fmt::format(" {:.4f} |", report.gate(report.points.back(), layer, language));
    text += "\n";
  }
  return text;
}

std::string bypass_csv(const BypassReport& report) {
  std::string text = "step,layer,language,mean_gate\n";
  for (const BypassPoint& point : report.points)
    for (const std::uint32_t layer : layers_of(point))
      for (const Language language : languages_with(point.routing))
        text += fmt::format("{},{},{},{:.6g}\n", point.step ? fmt::to_string(*point.step) : std::string(), layer,
                            multipl_moe::name_of(language), report.gate(point, layer, language));
  return text;
}

std::string bypass_json(const BypassReport& report) {
  nlohmann::ordered_json out{{"expert", report.expert}, {"points", nlohmann::ordered_json::array()}};
  for (const BypassPoint& point : report.points) {
    nlohmann::ordered_json of_point{{"step", nullptr}};
    if (point.step) of_point["step"] = *point.step;
    for (const Language language : languages_with(point.routing)) {
      const std::string name(multipl_moe::name_of(language));
      of_point["mean_gate"][name] = report.mean_gate(point, language);
      for (const std::uint32_t layer : layers_of(point))
        of_point["layers"][name].push_back(report.gate(point, layer, language));
    }
    out["points"].push_back(of_point);
  }
  return out.dump(2);
}

}  // namespace multipl_moe::probe
