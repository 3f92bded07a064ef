#include "multipl_moe/eval/sampling.hpp"

#include <cmath>
#include <map>
#include <numeric>

#include "moe/core/random.hpp"
#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace sampling_test {

using namespace multipl_moe;

namespace {

double uniform(std::uint64_t seed, std::uint64_t place) { return moe::random_uniform({seed}, place); }

/// The same rules in plain steps: sort all tokens, cut the list, sum the weights.
Token reference(const std::vector<float>& logits, const Sampling& sampling, double place) {
  std::vector<Token> order(logits.size());
  std::iota(order.begin(), order.end(), Token{0});
  std::stable_sort(order.begin(), order.end(), [&](Token a, Token b) { return logits[a] > logits[b]; });
  if (sampling.temperature == 0) return order[0];
  const auto weight = [&](Token token) {
    return std::exp((static_cast<double>(logits[token]) - static_cast<double>(logits[order[0]])) /
                    sampling.temperature);
  };
  if (sampling.top_k > 0 && static_cast<std::size_t>(sampling.top_k) < order.size())
    order.resize(static_cast<std::size_t>(sampling.top_k));
  double total = 0;
  for (const Token token : order) total += weight(token);
  double mass = 0;
  std::size_t kept = 0;
  while (kept < order.size() && (sampling.top_p == 1 || mass < sampling.top_p * total)) mass += weight(order[kept++]);
  double sum = 0;
  for (std::size_t i = 0; i < kept; ++i)
    if ((sum += weight(order[i])) > place * mass) return order[i];
  return order[kept - 1];
}

}  // namespace

TEST_CASE("a draw equals that of sorting all tokens, for any top-k and top-p", "[eval]") {
  moe::testing::Draw draw("logits");
  for (const std::size_t vocabulary :
       {std::size_t{1}, std::size_t{2}, std::size_t{63}, std::size_t{65}, std::size_t{3000}}) {
    std::vector<float> logits(vocabulary), tied(vocabulary);
    for (std::size_t i = 0; i < vocabulary; ++i) {
      logits[i] = static_cast<float>(2 * draw.normal());
      tied[i] = std::round(logits[i]);
    }
    for (const std::vector<float>& from : {logits, tied})
      for (const double temperature : {0.0, 0.3, 1.0, 50.0})
        for (const std::int64_t top_k : {0, 1, 3, 64, 2000, 100000})
          for (const double top_p : {0.1, 0.5, 0.95, 1.0})
            for (std::uint64_t i = 0; i < 5; ++i) {
              const Sampling sampling{.temperature = temperature, .top_k = top_k, .top_p = top_p};
              INFO(vocabulary << " " << temperature << " " << top_k << " " << top_p << " " << i);
              CHECK(draw_token(from, sampling, uniform(7, i)) == reference(from, sampling, uniform(7, i)));
            }
  }
}

TEST_CASE("draws follow the softmax at the temperature, cut to top-k and top-p", "[eval]") {
  const std::vector<float> logits{0, std::log(2.0f), std::log(5.0f)};
  std::map<Token, int> count, of_two;
  for (std::uint64_t i = 0; i < 8000; ++i) {
    ++count[draw_token(logits, {}, uniform(1, i))];
    ++of_two[draw_token(logits, {.top_k = 2}, uniform(1, i))];
  }
  CHECK(count[2] == Catch::Approx(5000).epsilon(0.05));
  CHECK(count[1] == Catch::Approx(2000).epsilon(0.08));
  CHECK(count[0] == Catch::Approx(1000).epsilon(0.12));
  CHECK(of_two[2] == Catch::Approx(8000 * 5 / 7.0).epsilon(0.05));
  CHECK(of_two[0] == 0);
  for (std::uint64_t i = 0; i < 100; ++i) {
    CHECK(draw_token(logits, {.top_p = 0.8}, uniform(2, i)) != 0);
    CHECK(draw_token(logits, {.top_p = 0.6}, uniform(2, i)) == 2);
    CHECK(draw_token(logits, {.temperature = 0}, uniform(2, i)) == 2);
    // Top-p applies to the tokens that top-k keeps: 5/7 of two.
    CHECK(draw_token(logits, {.top_k = 2, .top_p = 0.7}, uniform(2, i)) == 2);
  }
}

TEST_CASE("among equal logits the lower token comes first", "[eval]") {
  const std::vector<float> logits{1, 3, 3, 3, 2};
  CHECK(draw_token(logits, {.temperature = 0}, 0.99) == 1);
  for (std::uint64_t i = 0; i < 50; ++i) CHECK(draw_token(logits, {.top_k = 2}, uniform(3, i)) <= 2);
  CHECK(draw_token(logits, {.top_k = 2}, 0.25) == 1);
  CHECK(draw_token(logits, {.top_k = 2}, 0.75) == 2);
}

TEST_CASE("the repetition penalty divides positive logits and multiplies the others", "[eval]") {
  const std::unordered_set<Token> read{3, 0, 1};
  std::vector<float> logits{2, -2, 2, 0, -2};
  penalize_repetition(logits, read, 4);
  CHECK(logits == std::vector<float>{0.5f, -8, 2, 0, -2});
  penalize_repetition(logits, read, 1);
  CHECK(logits == std::vector<float>{0.5f, -8, 2, 0, -2});
}

TEST_CASE("logits that are not finite end the generation", "[eval]") {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY})
    CHECK_THROWS_AS(require_finite(std::vector<float>{0, bad, 1}), NonFinite);
  CHECK_NOTHROW(require_finite(std::vector<float>{0, 1}));
}

TEST_CASE("a forbidden token is never drawn, with any sampling options", "[eval]") {
  std::vector<float> logits{3, 1, 2, 2.5f, 0};
  forbid(logits, std::vector<Token>{0, 3});
  for (const Sampling& sampling : {Sampling{.temperature = 0}, Sampling{.temperature = 50}, Sampling{.top_k = 4},
                                   Sampling{.temperature = 50, .top_p = 0.999}})
    for (const double u : {1e-9, 0.3, 0.7, 1 - 1e-16}) {
      const Token token = draw_token(logits, sampling, u);
      CHECK((token == 1 || token == 2 || token == 4));
    }
  CHECK(draw_token(logits, {.temperature = 0}, 0.5) == 2);
  forbid(logits, std::vector<Token>{1, 2, 4});
  CHECK_THROWS_AS(draw_token(logits, {}, 0.5), UsageError);
}

TEST_CASE("no n-gram of the given size occurs twice", "[eval]") {
  const auto allowed = [](const std::vector<Token>& read, std::size_t size) {
    std::vector<float> logits(5, 0);
    forbid_repeated(logits, read, size);
    std::vector<Token> tokens;
    for (Token token = 0; token < 5; ++token)
      if (logits[token] == 0) tokens.push_back(token);
    return tokens;
  };
  const std::vector<Token> all{0, 1, 2, 3, 4};
  CHECK(allowed({1, 2, 3, 1, 2}, 0) == all);
  CHECK(allowed({1, 2, 3, 1, 2}, 3) == std::vector<Token>{0, 1, 2, 4});
  CHECK(allowed({1, 2, 3, 2, 4, 2}, 2) == std::vector<Token>{0, 1, 2});
  CHECK(allowed({1, 2, 1}, 1) == std::vector<Token>{0, 3, 4});
  CHECK(allowed({1, 2}, 3) == all);
  CHECK(allowed({1, 1, 1}, 3) == std::vector<Token>{0, 2, 3, 4});
  CHECK(allowed({}, 2) == all);
}

TEST_CASE("sampling out of its range is refused", "[eval]") {
  for (const Sampling& sampling :
       {Sampling{.temperature = -1}, Sampling{.temperature = INFINITY}, Sampling{.top_k = -1}, Sampling{.top_p = 0},
        Sampling{.top_p = 1.5}, Sampling{.repetition_penalty = 0}, Sampling{.repetition_penalty = INFINITY}})
    CHECK_THROWS_AS(check_sampling(sampling), UsageError);
  CHECK_NOTHROW(check_sampling({}));
}

}  // namespace sampling_test
