#include "multipl_moe/data/near_copies.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

#include "multipl_moe/data/source_text.hpp"
#include "multipl_moe/io/hash.hpp"

namespace multipl_moe {

namespace {

constexpr std::size_t shingle_words = 5;
constexpr std::size_t band_bins = 4;
constexpr std::size_t compared_in_a_band = 4;

bool is_of_a_word(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x80 || c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/// Calls f(hash) for every shingle of `text`, or once for all words if they are fewer than a shingle has.
template <class F>
void for_each_shingle(std::string_view text, const F& f) {
  std::array<std::uint64_t, shingle_words> words{};  // ring buffer of the last words
  std::size_t count = 0;
  const auto shingle = [&] {
    return hash_of_numbers({words[count % shingle_words], words[(count + 1) % shingle_words],
                            words[(count + 2) % shingle_words], words[(count + 3) % shingle_words],
                            words[(count + 4) % shingle_words]});
  };
  for (auto at = text.begin(); at != text.end();) {
    at = std::find_if(at, text.end(), is_of_a_word);
    const auto end = std::find_if_not(at, text.end(), is_of_a_word);
    if (at == end) break;
    words[count++ % shingle_words] = hash_of(std::string_view(at, end));
    at = end;
    if (count >= shingle_words) f(shingle());
  }
  if (count < shingle_words) f(shingle());
}

/// Densification: every empty bin gets the value of the next full bin to the right, cyclically, shifted by the
/// distance. The probability that a bin agrees in two texts does not change.
void fill_empty(TextSketch& sketch, const std::vector<bool>& is_full) {
  constexpr std::uint32_t per_step = 0x9e3779b1;
  const std::size_t bins = sketch.minima.size();
  for (std::size_t bin = 0; bin < bins; ++bin) {
    std::uint32_t distance = 0;
    while (!is_full[(bin + distance) % bins]) ++distance;
    sketch.minima[bin] = sketch.minima[(bin + distance) % bins] + distance * per_step;
  }
}

std::uint64_t hash_of_band(const TextSketch& sketch, std::size_t band) {
  return hash_of(std::as_bytes(std::span(sketch.minima).subspan(band * band_bins, band_bins)));
}

/// (later, earlier): indices of two texts to compare, each pair once, sorted by the later text.
using Pairs = std::vector<std::pair<std::uint32_t, std::uint32_t>>;

Pairs pairs_to_compare(std::span<const TextSketch> texts) {
  Pairs pairs;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> by_hash(texts.size());
  for (std::size_t band = 0; band * band_bins < TextSketch{}.minima.size(); ++band) {
    for (std::uint32_t i = 0; i < texts.size(); ++i) by_hash[i] = {hash_of_band(texts[i], band), i};
    std::sort(by_hash.begin(), by_hash.end());
    for (std::size_t i = 0, first = 0; i < by_hash.size(); ++i) {
      if (by_hash[i].first != by_hash[first].first) first = i;
      for (std::size_t other = first; other < std::min(i, first + compared_in_a_band); ++other)
        pairs.emplace_back(by_hash[i].second, by_hash[other].second);
    }
  }
  std::sort(pairs.begin(), pairs.end());
  pairs.erase(std::unique(pairs.begin(), pairs.end()), pairs.end());
  return pairs;
}

}  // namespace

TextSketch sketch_of(std::string_view text, Language language, std::size_t most_hashes) {
  TextSketch sketch;
  std::vector<bool> is_full(sketch.minima.size());
  for_each_shingle(without_leading_comment(text, language), [&](std::uint64_t hash) {
    const std::size_t bin = static_cast<std::size_t>(hash >> 32) % sketch.minima.size();
    const auto value = static_cast<std::uint32_t>(hash);
    sketch.minima[bin] = is_full[bin] ? std::min(sketch.minima[bin], value) : value;
    is_full[bin] = true;
    sketch.lowest.push_back(value);
  });
  fill_empty(sketch, is_full);
  std::sort(sketch.lowest.begin(), sketch.lowest.end());
  sketch.lowest.erase(std::unique(sketch.lowest.begin(), sketch.lowest.end()), sketch.lowest.end());
  sketch.is_whole = sketch.lowest.size() <= most_hashes;
  if (!sketch.is_whole) sketch.lowest.resize(most_hashes);
  sketch.lowest.shrink_to_fit();
  return sketch;
}

double similarity(const TextSketch& left, const TextSketch& right) {
  // A truncated list gives no information about hashes beyond its last one.
  std::size_t most = left.lowest.size() + right.lowest.size();
  for (const TextSketch* const sketch : {&left, &right})
    if (!sketch->is_whole) most = std::min(most, sketch->lowest.size());
  std::size_t either = 0, both = 0;
  auto l = left.lowest.begin(), r = right.lowest.begin();
  while (either < most && (l != left.lowest.end() || r != right.lowest.end())) {
    const bool takes_left = r == right.lowest.end() || (l != left.lowest.end() && *l <= *r);
    const bool takes_right = l == left.lowest.end() || (r != right.lowest.end() && *r <= *l);
    l += takes_left;
    r += takes_right;
    both += takes_left && takes_right;
    ++either;
  }
  return static_cast<double>(both) / static_cast<double>(either);
}

NearCopies find_near_copies(std::span<const TextSketch> texts, double threshold,
                            const std::function<TextSketch(std::size_t)>& whole_sketch) {
  constexpr double five_deviations = 0.16;
  const auto reaches_threshold = [&](std::size_t later, std::size_t earlier) {
    const double estimate = similarity(texts[later], texts[earlier]);
    const bool is_exact = texts[later].is_whole && texts[earlier].is_whole;
    if (is_exact || std::abs(estimate - threshold) > five_deviations) return estimate >= threshold;
    return similarity(whole_sketch(later), whole_sketch(earlier)) >= threshold;
  };
  NearCopies found{.is_copy = std::vector<bool>(texts.size())};
  for (const auto& [later, earlier] : pairs_to_compare(texts)) {
    if (found.is_copy[later] || found.is_copy[earlier]) continue;
    ++found.comparisons;
    found.is_copy[later] = reaches_threshold(later, earlier);
  }
  return found;
}

}  // namespace multipl_moe
