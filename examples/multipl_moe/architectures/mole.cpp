/// MoLE (Zong et al., 2025): an adapter for each language, one that all languages share and one for other text, made
/// of the largest singular components of the dense FFN.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "compiled_layers/compiled_layers.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/split_into_adapters.hpp"
#include "multipl_moe/architectures/adapters.hpp"
#include "multipl_moe/architectures/list.hpp"
#include "multipl_moe/data/language.hpp"
#include "multipl_moe/io/counted.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace of_mole {
namespace {

constexpr MixtureSetting languages{
    .key = "languages",
    .flag = "--languages",
    .help = "languages with an adapter of their own in mole, separated by commas [python,java,cpp,rust,go,ruby]",
    .field = &MoeConfig::languages};
constexpr MixtureSetting language_rank{.key = "language_rank",
                                       .flag = "--language-rank",
                                       .help = "rank r of each language's adapter in mole [16]",
                                       .field = &MoeConfig::language_rank,
                                       .least = 1,
                                       .most = highest_rank};
constexpr MixtureSetting language_alpha{
    .key = "language_alpha",
    .flag = "--language-alpha",
    .help = "alpha of each language's adapter in mole, whose output is scaled by alpha / sqrt(r) [16]",
    .field = &MoeConfig::language_alpha,
    .least = smallest_alpha,
    .most = largest_alpha};
constexpr MixtureSetting shared_rank{.key = "shared_rank",
                                     .flag = "--shared-rank",
                                     .help =
                                         "rank r of the adapter that all languages share in mole; the adapter for "
                                         "other text has the sum of both ranks [48]",
                                     .field = &MoeConfig::shared_rank,
                                     .least = 1,
                                     .most = highest_rank};
constexpr MixtureSetting shared_alpha{.key = "shared_alpha",
                                      .flag = "--shared-alpha",
                                      .help = "alpha of mole's shared adapter and of its adapter for other text [32]",
                                      .field = &MoeConfig::shared_alpha,
                                      .least = smallest_alpha,
                                      .most = largest_alpha};

constexpr std::array settings{&languages, &language_rank, &language_alpha, &shared_rank, &shared_alpha};

void publish(MoeConfig& moe, std::int64_t) {
  publish_adapters(moe);
  for (const Language language : all_languages) moe.languages.emplace_back(name_of(language));
}

/// The error text if a name is not a supported language or occurs twice; empty otherwise.
std::optional<std::string> fault(const MoeConfig& moe) {
  std::array<std::string_view, language_count> known;
  for (const Language language : all_languages) known[index_of(language)] = name_of(language);
  for (auto name = moe.languages.begin(); name != moe.languages.end(); ++name) {
    if (std::find(known.begin(), known.end(), *name) == known.end())
      return fmt::format("moe.languages must be \"{}\", found \"{}\"", fmt::join(known, "\" or \""), escaped(*name));
    if (std::find(moe.languages.begin(), name, *name) != name)
      return fmt::format("moe.languages must name no language twice, found \"{}\" again", *name);
  }
  return std::nullopt;
}

void compose(const MoeConfig& moe, moe::Composition& composition) {
  composition.mole = {.languages = static_cast<moe::Index>(moe.languages.size()),
                      .language_rank = moe.language_rank,
                      .language_alpha = moe.language_alpha,
                      .shared_rank = moe.shared_rank,
                      .shared_alpha = moe.shared_alpha};
}

double adapter_values(const ModelConfig& config) {
  const MoeConfig& moe = *config.moe;
  const double rank = static_cast<double>(moe.language_rank) + static_cast<double>(moe.shared_rank);
  const double ends = static_cast<double>(config.hidden_size) + static_cast<double>(config.intermediate_size);
  return rank * (static_cast<double>(moe.languages.size()) + 2) * 3 * ends;
}

/// The shared adapter, whose number follows those of the languages' adapters.
std::vector<std::int64_t> fixed_experts(const MoeConfig& moe) { return {std::ssize(moe.languages)}; }

void check(const ModelConfig& config, const moe::Upcycling& start) {
  check_start_of_adapters(config, start);
  const std::int64_t components = std::min(config.hidden_size, config.intermediate_size);
  if (config.moe->language_rank + config.moe->shared_rank > components)
    throw UsageError(fmt::format(
        "[upcycle] --language-rank and --shared-rank must sum to at most the {} of a projection, found {} and {}",
        counted(components, "singular components"), config.moe->language_rank, config.moe->shared_rank));
}

void split(const Layer::Context& context, const Layer::Dense& ffn, Layer& layer, const moe::Upcycling&,
           const std::string&) {
  moe::split_into_adapters(context, ffn, *layer.as<moe::Mole<Layer::Value, Layer::Backend>>());
}

constexpr LayerWork work{.compose = compose,
                         .trains = trains_adapters,
                         .has_constant_gates = no_constant_gates,
                         .fixed_experts = fixed_experts,
                         .check = check,
                         .upcycle = split,
                         .narrow = narrow_nothing};

}  // namespace
}  // namespace of_mole

const Architecture mole{.name = "mole",
                        .settings = of_mole::settings,
                        .publish = of_mole::publish,
                        .fault = of_mole::fault,
                        .is_adapted = true,
                        .adapter_values = of_mole::adapter_values,
                        .work = &of_mole::work};

}  // namespace multipl_moe
