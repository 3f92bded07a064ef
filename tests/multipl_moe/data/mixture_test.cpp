#include "multipl_moe/data/mixture.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace mixture_test {

using namespace multipl_moe;

namespace {

constexpr std::array<bool, language_count> all_present{true, true, true, true, true, true};

std::vector<Language> first(const LanguageWeights& weights, std::size_t count) {
  Mixture mixture(weights);
  std::vector<Language> languages;
  while (languages.size() < count) languages.push_back(mixture.next());
  return languages;
}

}  // namespace

TEST_CASE("weights are shared evenly within a group") {
  const LanguageWeights weights = grouped_weights(9.0, 1.0, all_present);
  CHECK(weights[index_of(Language::rust)] == 3.0);
  CHECK(weights[index_of(Language::java)] == 1.0 / 3.0);
  const LanguageWeights two = grouped_weights(9.0, 1.0, {false, true, false, false, false, true});
  CHECK(two == LanguageWeights{0.0, 1.0, 0.0, 0.0, 0.0, 9.0});
  const LanguageWeights low = grouped_weights(9.0, 1.0, {false, false, false, false, true, true});
  CHECK(low == LanguageWeights{0.0, 0.0, 0.0, 0.0, 4.5, 4.5});
}

TEST_CASE("counts deviate from the shares by less than 1 sequence from the start and 2 over any 1000") {
  for (const LanguageWeights& weights :
       {grouped_weights(9.0, 1.0, all_present), grouped_weights(7.0, 3.0, all_present),
        LanguageWeights{1.0, 1.0, 1.0, 1.0, 1.0, 1.0}, LanguageWeights{0.5, 0.2, 0.13, 0.1, 0.05, 0.02},
        LanguageWeights{1.0, 0.0, 0.0, 0.0, 0.0, 0.0}, LanguageWeights{0.0, 1.0, 0.0, std::sqrt(2.0), 0.0, 0.0},
        LanguageWeights{1e6, 1.0, 1.0, 1.0, 1.0, 1.0}}) {
    const std::vector<Language> languages = first(weights, 20'000);
    const Mixture mixture(weights);
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    double worst = 0.0;
    double worst_window = 0.0;
    for (const Language language : all_languages) {
      const double share = mixture.share(language);
      CHECK(std::abs(share - weights[index_of(language)] / sum) < 1e-6);
      std::vector<std::int64_t> counts{0};
      for (const Language drawn : languages) counts.push_back(counts.back() + (drawn == language));
      for (std::size_t n = 0; n < counts.size(); ++n)
        worst = std::max(worst, std::abs(static_cast<double>(counts[n]) - share * static_cast<double>(n)));
      for (std::size_t n = 1000; n < counts.size(); ++n)
        worst_window =
            std::max(worst_window, std::abs(static_cast<double>(counts[n] - counts[n - 1000]) - 1000 * share));
    }
    CHECK(worst < 1.0);
    CHECK(worst_window < 2.0);
  }
}

TEST_CASE("the ratio of low to high is kept within 1 % over any 1000 sequences") {
  const std::vector<Language> languages = first(grouped_weights(9.0, 1.0, all_present), 20'000);
  std::int64_t low = 0;
  for (std::size_t n = 0; n < languages.size(); ++n) {
    low += resource_of(languages[n]) == Resource::low;
    if (n >= 1000) low -= resource_of(languages[n - 1000]) == Resource::low;
    if (n >= 999) REQUIRE(std::abs(low - 900) <= 9);
  }
}

TEST_CASE("the schedule is deterministic and can be entered at any position") {
  const LanguageWeights weights = grouped_weights(9.0, 1.0, all_present);
  const std::vector<Language> languages = first(weights, 3000);
  CHECK(languages == first(weights, 3000));
  for (const std::int64_t count : {0, 1, 999, 2500}) {
    Mixture mixture(weights);
    mixture.seek(1234);
    mixture.seek(count);
    CHECK(mixture.count() == count);
    CHECK(std::accumulate(all_languages.begin(), all_languages.end(), std::int64_t{0},
                          [&](std::int64_t sum, Language language) { return sum + mixture.count(language); }) == count);
    CHECK(mixture.next() == languages[static_cast<std::size_t>(count)]);
  }
}

TEST_CASE("the schedule repeats after 2^24 sequences, so that seeking far is cheap") {
  const LanguageWeights weights{0.5, 0.2, 0.13, 0.1, 0.05, 0.02};
  Mixture walked(weights);
  for (std::int64_t i = 0; i < std::int64_t{1} << 24; ++i) walked.next();
  Mixture jumped(weights);
  jumped.seek(std::int64_t{1} << 24);
  for (const Language language : all_languages) CHECK(walked.count(language) == jumped.count(language));
  for (int i = 0; i < 1000; ++i) REQUIRE(walked.next() == jumped.next());
}

TEST_CASE("invalid mixture weights are refused") {
  CHECK_THROWS_AS(Mixture(LanguageWeights{}), UsageError);
  CHECK_THROWS_AS(Mixture(LanguageWeights{1.0, -1.0}), UsageError);
  CHECK_THROWS_AS(Mixture(LanguageWeights{std::nan("")}), UsageError);
  CHECK_THROWS_AS(Mixture(LanguageWeights{std::numeric_limits<double>::infinity()}), UsageError);
}

}  // namespace mixture_test
