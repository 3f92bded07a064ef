#include "bench/strategies/inputs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "moe/core/random.hpp"

namespace moe_bench {

namespace {

/// Random key of the vectors of tokens and the centers of languages.
constexpr moe::RandomKey fixed{.seed = 1, .step = 0, .layer = moe::name_hash("fixed")};

/// Token ids that follow Zipf's law: id i is drawn in proportion to 1 / (i + 1).
class Zipf {
 public:
  Zipf() {
    double sum = 0;
    for (std::int32_t id = 0; id < vocabulary; ++id) up_to_.push_back(sum += 1 / static_cast<double>(id + 1));
  }
  std::int32_t token(double uniform) const {
    const auto found = std::lower_bound(up_to_.begin(), up_to_.end(), uniform * up_to_.back());
    return static_cast<std::int32_t>(std::min<std::ptrdiff_t>(found - up_to_.begin(), vocabulary - 1));
  }

 private:
  std::vector<double> up_to_;
};

}  // namespace

std::optional<Input> parse_input(std::string_view name) {
  if (name == "iid") return Input::iid;
  if (name == "zipf") return Input::zipf;
  if (name == "languages") return Input::languages;
  return std::nullopt;
}

std::vector<std::string> texts_of_bytes() {
  std::vector<std::string> texts(static_cast<std::size_t>(vocabulary));
  for (std::size_t byte = 0; byte < 256; ++byte) texts[byte] = static_cast<char>(byte);
  return texts;
}

moe::Batch Rows::batch() const {
  moe::Batch batch = moe::Batch::ragged(lengths);
  batch.tokens = tokens;
  batch.languages = languages;
  batch.random = moe::StepKey{};
  return batch;
}

Rows Rows::first(Index rows) const {
  return {width,
          {x_TD.begin(), x_TD.begin() + rows * width},
          {tokens.begin(), tokens.begin() + rows},
          {languages.begin(), languages.begin() + rows},
          {rows}};
}

Rows Rows::followed_by(const Rows& more) const {
  Rows all = *this;
  all.x_TD.insert(all.x_TD.end(), more.x_TD.begin(), more.x_TD.end());
  all.tokens.insert(all.tokens.end(), more.tokens.begin(), more.tokens.end());
  all.languages.insert(all.languages.end(), more.languages.begin(), more.languages.end());
  all.lengths.insert(all.lengths.end(), more.lengths.begin(), more.lengths.end());
  return all;
}

Rows draw_rows(Input input, const std::vector<Index>& lengths, Index width, Index languages, std::uint64_t seed) {
  const Index count = std::accumulate(lengths.begin(), lengths.end(), Index{0});
  const moe::RandomKey noise{.seed = seed, .step = 0, .layer = moe::name_hash("noise")},
      draws{.seed = seed, .step = 0, .layer = moe::name_hash("tokens")};
  const Zipf zipf;
  Rows rows{width, std::vector<float>(static_cast<std::size_t>(count * width)), {}, {}, lengths};
  for (std::size_t b = 0; b < lengths.size(); ++b)
    for (Index t = 0; t < lengths[b]; ++t) {
      const auto row = static_cast<Index>(rows.tokens.size());
      const double uniform = moe::random_uniform(draws, static_cast<std::uint64_t>(row));
      const auto token = input == Input::zipf
                             ? zipf.token(uniform)
                             : std::min(static_cast<std::int32_t>(uniform * vocabulary), vocabulary - 1);
      const auto language = static_cast<std::int32_t>(static_cast<Index>(b) % std::max<Index>(1, languages));
      rows.tokens.push_back(token);
      rows.languages.push_back(language);
      // The center of a row, and the scales of noise and center, whose squares sum to 1.
      const Index center = input == Input::zipf ? token : vocabulary + language;
      const double away = input == Input::iid ? 1 : input == Input::zipf ? 0.1 : 0.6, near = std::sqrt(1 - away * away);
      for (Index d = 0; d < width; ++d) {
        double value = away * moe::random_normal(noise, static_cast<std::uint64_t>(row * width + d));
        if (near > 0) value += near * moe::random_normal(fixed, static_cast<std::uint64_t>(center * width + d));
        rows.x_TD[static_cast<std::size_t>(row * width + d)] = static_cast<float>(value);
      }
    }
  return rows;
}

}  // namespace moe_bench
