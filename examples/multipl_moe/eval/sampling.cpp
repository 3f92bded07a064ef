#include "multipl_moe/eval/sampling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

namespace {

constexpr float forbidden = -std::numeric_limits<float>::infinity();

/// Tokens by decreasing probability, sorted only as far as they are read.
class Ranking {
 public:
  explicit Ranking(std::span<const float> logits) : logits_(logits), order_(logits.size()) {
    std::iota(order_.begin(), order_.end(), Token{0});
  }
  Token operator[](std::size_t place) {
    if (place >= sorted_) sort_beyond(place);
    return order_[place];
  }

 private:
  void sort_beyond(std::size_t place) {
    // Usually few tokens have most of the probability; otherwise a few more rounds sort all of them.
    const std::size_t end = std::min(order_.size(), std::max<std::size_t>(64, 8 * place));
    const auto before = [this](Token a, Token b) {
      return logits_[a] > logits_[b] || (logits_[a] == logits_[b] && a < b);
    };
    const auto from = order_.begin() + static_cast<std::ptrdiff_t>(sorted_),
               to = order_.begin() + static_cast<std::ptrdiff_t>(end);
    if (end < order_.size()) std::nth_element(from, to, order_.end(), before);
    std::sort(from, to, before);
    sorted_ = end;
  }

  std::span<const float> logits_;
  std::vector<Token> order_;
  std::size_t sorted_ = 0;
};

}  // namespace

void check_sampling(const Sampling& sampling) {
  const auto require = [](bool holds, const char* rule, auto value) {
    if (!holds) throw UsageError(fmt::format("[generate] {}, found {}", rule, value));
  };
  require(sampling.repetition_penalty > 0 && std::isfinite(sampling.repetition_penalty),
          "repetition-penalty must be above 0", sampling.repetition_penalty);
  require(sampling.temperature >= 0 && std::isfinite(sampling.temperature), "temperature must be 0 or positive",
          sampling.temperature);
  require(sampling.top_k >= 0, "top-k must not be negative", sampling.top_k);
  require(sampling.top_p > 0 && sampling.top_p <= 1, "top-p must lie in (0, 1]", sampling.top_p);
}

void penalize_repetition(std::span<float> logits, const std::unordered_set<Token>& read, double penalty) {
  if (penalty == 1) return;
  for (const Token token : read) {
    const auto logit = static_cast<double>(logits[token]);
    logits[token] = static_cast<float>(logit > 0 ? logit / penalty : logit * penalty);
  }
}

void require_finite(std::span<const float> logits) {
  if (!std::all_of(logits.begin(), logits.end(), [](float logit) { return std::isfinite(logit); }))
    throw NonFinite("[generate] the model's logits must be finite, found one that is not; check the model's weights");
}

void forbid(std::span<float> logits, std::span<const Token> tokens) {
  for (const Token token : tokens) logits[token] = forbidden;
}

void forbid_repeated(std::span<float> logits, std::span<const Token> read, std::size_t size) {
  if (size == 0 || read.size() < size) return;
  const auto last = read.last(size - 1);
  for (std::size_t begin = 0; begin + size <= read.size(); ++begin)
    if (std::equal(last.begin(), last.end(), read.begin() + static_cast<std::ptrdiff_t>(begin)))
      logits[read[begin + size - 1]] = forbidden;
}

Token draw_token(std::span<const float> logits, const Sampling& sampling, double uniform) {
  const auto highest = std::max_element(logits.begin(), logits.end());
  if (*highest == forbidden)
    throw UsageError(
        "[generate] a token must be left to draw, found none; --suppress-tokens, --no-repeat-ngram-size or similar "
        "options exclude all of them");
  if (sampling.temperature == 0 || sampling.top_k == 1) return static_cast<Token>(highest - logits.begin());
  const auto weight = [&](Token token) {
    return std::exp((static_cast<double>(logits[token]) - static_cast<double>(*highest)) / sampling.temperature);
  };
  Ranking ranking(logits);
  std::size_t candidates =
      logits.size() - static_cast<std::size_t>(std::count(logits.begin(), logits.end(), forbidden));
  double total = 0;
  if (sampling.top_k > 0 && static_cast<std::size_t>(sampling.top_k) < candidates) {
    candidates = static_cast<std::size_t>(sampling.top_k);
    for (std::size_t i = 0; i < candidates; ++i) total += weight(ranking[i]);
  } else {
    for (std::size_t token = 0; token < logits.size(); ++token) total += weight(static_cast<Token>(token));
  }
  double mass = total;
  if (sampling.top_p < 1) {
    const double wanted = sampling.top_p * total;
    std::size_t kept = 0;
    for (mass = 0; kept < candidates && mass < wanted; ++kept) mass += weight(ranking[kept]);
    candidates = kept;
  }
  double target = uniform * mass;
  for (std::size_t i = 0; i + 1 < candidates; ++i)
    if ((target -= weight(ranking[i])) < 0) return ranking[i];
  return ranking[candidates - 1];
}

}  // namespace multipl_moe
