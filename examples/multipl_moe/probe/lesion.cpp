#include "multipl_moe/probe/lesion.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>
#include <utility>

#include "multipl_moe/eval/observed.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/tensor_list.hpp"
#include "multipl_moe/statistics/rank_correlation.hpp"

namespace multipl_moe::probe {

namespace {

/// The expert of a tensor. Of the token experts, those that process every token are shared.
std::optional<ExpertPlace> expert_in(const ModelConfig& config, std::string_view tensor) {
  auto place = expert_of_output(tensor);
  if (!place || place->kind != ExpertKind::token) return place;
  const auto fixed = fixed_token_experts(config);
  if (std::count(fixed.begin(), fixed.end(), place->expert) > 0) place->kind = ExpertKind::shared;
  return place;
}

/// The result of score() while all values of the tensors are 0.
template <class Score>
auto with_zeros(std::span<const TensorRef> tensors, const Score& score) {
  std::vector<std::vector<std::byte>> kept(tensors.size());
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    kept[i].resize(tensors[i].bytes);
    tensors[i].for_each_piece([&](std::size_t first, std::span<const std::byte> bytes) {
      std::copy(bytes.begin(), bytes.end(), kept[i].begin() + static_cast<std::ptrdiff_t>(first));
    });
    tensors[i].fill([](std::size_t, std::span<std::byte> bytes) { std::ranges::fill(bytes, std::byte{0}); });
  }
  auto result = score();
  for (std::size_t i = 0; i < tensors.size(); ++i)
    tensors[i].fill([&](std::size_t first, std::span<std::byte> bytes) {
      const auto begin = kept[i].begin() + static_cast<std::ptrdiff_t>(first);
      std::copy(begin, begin + std::ssize(bytes), bytes.begin());
    });
  return result;
}

}  // namespace

double LesionReport::cost(const LesionScores& lesion, Language language) const {
  return lesion.scores[index_of(language)]->bits_per_byte - intact[index_of(language)]->bits_per_byte;
}

std::optional<double> LesionReport::share(const ExpertPlace& expert, Language language) const {
  const auto& tally = routing[index_of(language)];
  if (!tally) return std::nullopt;
  const auto& levels = expert.kind == ExpertKind::segment ? tally->segment : tally->token;
  const auto level = levels.find(static_cast<std::uint32_t>(expert.layer));
  if (level == levels.end()) return std::nullopt;
  // A shared expert beside the level's experts is in no router's choice.
  if (expert.kind == ExpertKind::shared && std::ranges::count(level->second.fixed, 1) == 0) return std::nullopt;
  return static_cast<double>(level->second.kept[static_cast<std::size_t>(expert.expert)]) /
         static_cast<double>(level->second.rows);
}

double LesionReport::share_and_cost(Language language) const {
  std::vector<double> shares, costs;
  for (const LesionScores& scores : lesions)
    if (const auto& expert = scores.lesion.expert; expert && expert->kind != ExpertKind::shared)
      if (const auto of_expert = share(*expert, language)) {
        shares.push_back(*of_expert);
        costs.push_back(cost(scores, language));
      }
  return statistics::rank_correlation(shares, costs);
}

std::vector<Lesion> lesions_of(const ModelConfig& config, const std::vector<std::int64_t>& layers, bool is_of_kinds) {
  std::map<ExpertKind, Lesion> kinds;
  std::vector<Lesion> experts;
  std::map<std::int64_t, bool> wanted;
  for (const std::int64_t layer : layers) wanted[layer] = false;
  for (const ListedTensor& tensor : list_tensors(config)) {
    const auto place = expert_in(config, tensor.name);
    if (!place) continue;
    Lesion& kind = kinds[place->kind];
    kind.kind = place->kind;
    kind.tensors.push_back(tensor.name);
    const auto found = wanted.find(place->layer);
    if (found != wanted.end()) found->second = true;
    if (!is_of_kinds && (layers.empty() || found != wanted.end()))
      experts.push_back({.kind = place->kind, .expert = place, .tensors = {tensor.name}});
  }
  if (kinds.empty())
    throw UsageError(
        fmt::format("[probe lesion] the model must have experts, found {}; upcycle makes a mixture of a dense model",
                    config.moe ? fmt::format("a model of architecture {}, which has adapters", config.architecture())
                               : std::string("a dense model")));
  for (const auto& [layer, is_there] : wanted)
    if (!is_there)
      throw UsageError(fmt::format("[probe lesion] --layers must name layers with experts, of 0 to {}, found {}",
                                   config.num_hidden_layers - 1, layer));
  std::vector<Lesion> lesions;
  for (auto& [kind, lesion] : kinds) lesions.push_back(std::move(lesion));
  lesions.insert(lesions.end(), experts.begin(), experts.end());
  return lesions;
}

std::int64_t bytes_of_largest(const ModelConfig& config, const std::vector<Lesion>& lesions, ModelDtype dtype) {
  std::map<std::string, std::int64_t> bytes;
  for (const ListedTensor& tensor : list_tensors(config)) bytes[tensor.name] = bytes_in_memory(tensor, dtype);
  std::int64_t largest = 0;
  for (const Lesion& lesion : lesions) {
    std::int64_t sum = 0;
    for (const std::string& name : lesion.tensors) sum += bytes.at(name);
    largest = std::max(largest, sum);
  }
  return largest;
}

LesionReport measure_lesions(LanguageModel& model, const LanguageFiles& files, const EvaluateOptions& options,
                             std::vector<Lesion> lesions, const std::function<void(std::size_t)>& done) {
  std::map<std::string, TensorRef> tensors;
  for (TensorRef& tensor : model.tensors()) tensors.emplace(tensor.name, tensor);
  LesionReport report{.is_causal = model.is_causal(), .intact = {}, .routing = {}, .lesions = {}};
  for (std::size_t i = 0; i < files.size(); ++i) {
    if (!files[i]) continue;
    RoutingTally& tally = report.routing[i].emplace();
    tally.fixed_token_experts = fixed_token_experts(model.config());
    const Observed observed(model, [&](const moe::Observation& seen) { tally.add(seen, options.length); });
    LanguageFiles one;
    one[i] = files[i];
    report.intact[i] = evaluate(model, one, options)[i];
  }
  done(1);
  for (Lesion& lesion : lesions) {
    std::vector<TensorRef> removed;
    for (const std::string& name : lesion.tensors) removed.push_back(tensors.at(name));
    const Evaluation scores = with_zeros(removed, [&] { return evaluate(model, files, options); });
    report.lesions.push_back({std::move(lesion), scores});
    done(report.lesions.size() + 1);
  }
  return report;
}

}  // namespace multipl_moe::probe
