#include "multipl_moe/data/mixture.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

/// Shares are multiples of 1/unit, so that the schedule is exact and repeats after `unit` sequences.
constexpr std::int64_t unit = std::int64_t{1} << 24;

}  // namespace

LanguageWeights grouped_weights(double low, double high, const std::array<bool, language_count>& present) {
  const auto members = [&present](Resource resource) {
    return std::count_if(all_languages.begin(), all_languages.end(), [&](Language language) {
      return present[index_of(language)] && resource_of(language) == resource;
    });
  };
  LanguageWeights weights{};
  for (const Language language : all_languages) {
    const Resource resource = resource_of(language);
    if (present[index_of(language)])
      weights[index_of(language)] = (resource == Resource::low ? low : high) / static_cast<double>(members(resource));
  }
  return weights;
}

Mixture::Mixture(const LanguageWeights& weights) {
  double sum = 0.0;
  for (const Language language : all_languages) {
    const double weight = weights[index_of(language)];
    if (!(weight >= 0.0) || !std::isfinite(weight))
      throw UsageError(
          fmt::format("[--mix] a language's share must be 0 or more, found {} for {}", weight, name_of(language)));
    sum += weight;
  }
  if (!(sum > 0.0) || !std::isfinite(sum))
    throw UsageError(fmt::format("[--mix] the shares must have a positive sum, found {}", sum));
  for (std::size_t i = 0; i < language_count; ++i)
    shares_[i] = std::llround(weights[i] / sum * static_cast<double>(unit));
  // Rounding changes the sum by a few units, which are corrected in the largest share.
  *std::max_element(shares_.begin(), shares_.end()) +=
      unit - std::accumulate(shares_.begin(), shares_.end(), std::int64_t{0});
}

Language Mixture::next() {
  // Tijdeman 1980, "The chairman assignment problem", in units of 1 / (unit * scale): of the languages whose claim is
  // at least 1 / scale of a sequence, select the one whose claim reaches 1 - 1 / scale first.
  const auto states =
      language_count - static_cast<std::size_t>(std::count(shares_.begin(), shares_.end(), std::int64_t{0}));
  const auto scale = static_cast<std::int64_t>(states > 1 ? 2 * states - 2 : 1);
  std::size_t chosen = language_count;
  std::int64_t chosen_wait = 0;
  for (std::size_t i = 0; i < language_count; ++i) {
    const std::int64_t claim = (shares_[i] * (count_ + 1) - unit * counts_[i]) * scale;
    if (shares_[i] == 0 || claim < unit) continue;
    const std::int64_t wait = unit * (scale - 1) - claim;
    if (chosen == language_count || wait * shares_[chosen] < chosen_wait * shares_[i]) {
      chosen = i;
      chosen_wait = wait;
    }
  }
  ++count_;
  ++counts_[chosen];
  return all_languages[chosen];
}

void Mixture::seek(std::int64_t count) {
  const std::int64_t periods = count / unit;
  for (std::size_t i = 0; i < language_count; ++i) counts_[i] = shares_[i] * periods;
  count_ = periods * unit;
  while (count_ < count) next();
}

double Mixture::share(Language language) const {
  return static_cast<double>(shares_[index_of(language)]) / static_cast<double>(unit);
}

}  // namespace multipl_moe
