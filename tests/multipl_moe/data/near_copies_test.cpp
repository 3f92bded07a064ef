#include "multipl_moe/data/near_copies.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <random>
#include <set>
#include <string>

#include "multipl_moe/io/file.hpp"
#include "support/catch.hpp"

namespace near_copies_test {

using namespace multipl_moe;

namespace {

using Words = std::vector<std::string>;

/// `count` random words out of `vocabulary` different ones.
Words random_words(std::mt19937& random, std::size_t count, std::uint32_t vocabulary) {
  Words words(count);
  for (std::string& word : words) word = "w" + std::to_string(random() % vocabulary);
  return words;
}

std::string text_of(const Words& words) {
  std::string text;
  for (const std::string& word : words) text += word + "\n";
  return text;
}

/// `words` with `edits` single words replaced, at random positions.
Words edited(const Words& words, std::mt19937& random, int edits) {
  Words result = words;
  for (int i = 0; i < edits; ++i) result[random() % result.size()] = "edit" + std::to_string(random());
  return result;
}

/// The definition: the Jaccard similarity of the sets of five consecutive words.
double exact_similarity(const Words& left, const Words& right) {
  const auto shingles = [](const Words& words) {
    std::set<Words> set;
    for (std::size_t i = 0; i + 5 <= words.size(); ++i)
      set.insert(
          Words(words.begin() + static_cast<std::ptrdiff_t>(i), words.begin() + static_cast<std::ptrdiff_t>(i + 5)));
    return set;
  };
  const auto l = shingles(left), r = shingles(right);
  const auto both = static_cast<double>(std::ranges::count_if(l, [&](const Words& one) { return r.contains(one); }));
  return both / (static_cast<double>(l.size() + r.size()) - both);
}

TextSketch sketch(const Words& words) { return sketch_of(text_of(words), Language::go); }

/// For texts so short that their sketches are complete, so that no larger sketch is requested.
TextSketch needs_none(std::size_t i) {
  FAIL("a complete sketch was computed again, of text " << i);
  return {};
}

double similarity_of(std::string_view left, std::string_view right, Language language) {
  return similarity(sketch_of(left, language), sketch_of(right, language));
}

}  // namespace

TEST_CASE("the similarity of short texts is exact", "[near-copies]") {
  std::mt19937 random(1);
  for (int round = 0; round < 200; ++round) {
    const Words words = random_words(random, 5 + random() % 256, 1000);
    const Words other = edited(words, random, static_cast<int>(random() % 10));
    CHECK(similarity(sketch(words), sketch(other)) == Approx(exact_similarity(words, other)).margin(1e-12));
  }
}

TEST_CASE("the similarity of long texts is estimated with a small error", "[near-copies]") {
  std::mt19937 random(2);
  double sum = 0, squares = 0;
  constexpr int rounds = 100;
  for (int round = 0; round < rounds; ++round) {
    const Words words = random_words(random, 3000, 500);
    const Words other = edited(words, random, static_cast<int>(random() % 400));
    const double error = similarity(sketch(words), sketch(other)) - exact_similarity(words, other);
    sum += error;
    squares += error * error;
  }
  CHECK(std::abs(sum / rounds) < 0.01);
  CHECK(std::sqrt(squares / rounds) < 0.032);
}

TEST_CASE("long texts are compared completely if the estimate is not decisive", "[near-copies]") {
  std::mt19937 random(6);
  std::vector<TextSketch> sketches;
  std::vector<Words> texts;
  for (int i = 0; i < 60; ++i) {
    texts.push_back(random_words(random, 2000, 500));
    texts.push_back(edited(texts.back(), random, 71 + static_cast<int>(random() % 11)));  // similarities around 0.7
  }
  for (const Words& words : texts) sketches.push_back(sketch(words));
  int reads = 0, copies = 0;
  const NearCopies found = find_near_copies(sketches, 0.7, [&](std::size_t i) {
    ++reads;
    return sketch_of(text_of(texts[i]), Language::go, 1 << 20);
  });
  for (std::size_t i = 0; i < texts.size(); i += 2) {
    const bool is_copy = exact_similarity(texts[i], texts[i + 1]) >= 0.7;
    CHECK(found.is_copy[i + 1] == is_copy);
    copies += is_copy;
  }
  CHECK(reads == 120);
  CHECK((copies > 10 && copies < 50));
}

TEST_CASE("license, white space and punctuation do not change the similarity", "[near-copies]") {
  const std::string body = "int main() {\n  return compute(a, b, c) + 1;\n}\n";
  CHECK(similarity_of("// Copyright 2001 of all of us\n" + body, "/* License: none\n * of any kind */\n" + body,
                      Language::cpp) == 1);
  CHECK(similarity_of(body, "int main(){return compute( a,b,c )+1 ;}", Language::cpp) == 1);
  CHECK(similarity_of("# A license of some length, and more\nx = f(1, 2, 3)\n", "x = f(1, 2, 3)\n", Language::python) ==
        1);
  // Two files that share only a license are not copies.
  std::string license;
  for (int i = 0; i < 100; ++i) license += "// word" + std::to_string(i) + " of the license\n";
  CHECK(similarity_of(license + body, license + "package one two three four five\n", Language::go) == 0);
}

TEST_CASE("texts of few words are compared completely", "[near-copies]") {
  CHECK(similarity_of("a = 1\n", "a = 2\n", Language::python) == 0);
  CHECK(similarity_of("a = 1\n", "1 = a\n", Language::python) == 0);
  CHECK(similarity_of("a = 1\n", "a=1;\n", Language::python) == 1);
  CHECK(similarity_of("a b c d", "a b c d e", Language::go) == 0);
  CHECK(similarity_of("...", "()", Language::go) == 1);
}

TEST_CASE("near copies are found, and no text below the threshold counts as one", "[near-copies]") {
  for (const double threshold : {0.5, 0.7, 0.85}) {
    std::mt19937 random(3);
    // Each text and a copy of it with few or many edits; short texts, so that similarities are exact.
    std::vector<TextSketch> texts;
    std::vector<double> similar;
    for (int i = 0; i < 600; ++i) {
      const Words words = random_words(random, 60 + random() % 180, 300);
      const Words copy = edited(words, random, static_cast<int>(random() % 12));
      texts.push_back(sketch(words));
      texts.push_back(sketch(copy));
      similar.push_back(exact_similarity(words, copy));
    }
    const NearCopies found = find_near_copies(texts, threshold, needs_none);
    int above = 0, missed = 0;
    for (std::size_t i = 0; i < similar.size(); ++i) {
      CHECK_FALSE(found.is_copy[2 * i]);
      if (similar[i] < threshold) CHECK_FALSE(found.is_copy[2 * i + 1]);
      if (similar[i] < threshold) continue;
      ++above;
      missed += !found.is_copy[2 * i + 1];
    }
    INFO("threshold " << threshold << ", above " << above << ", missed " << missed);
    CHECK(above > 150);
    // At 0.5 a pair is compared with probability 0.87, at 0.6 with 0.99, from 0.7 on nearly always.
    CHECK(missed <= (threshold == 0.5 ? above / 25 : 0));
  }
}

TEST_CASE("of a chain of copies, the texts that are not similar to each other are kept", "[near-copies]") {
  std::mt19937 random(4);
  const Words first = random_words(random, 200, 10'000);
  Words second = first, third = first;
  // Each step replaces words at another end: 25 of 196 shingles, so a similarity of 0.77 per step and 0.6 for two.
  for (std::size_t i = 0; i < 21; ++i) second[i] = third[i] = "n" + std::to_string(i);
  for (std::size_t i = 179; i < 200; ++i) third[i] = "m" + std::to_string(i);
  CHECK(exact_similarity(first, second) > 0.7);
  CHECK(exact_similarity(second, third) > 0.7);
  CHECK(exact_similarity(first, third) < 0.7);
  const std::vector<TextSketch> texts{sketch(first), sketch(second), sketch(third)};
  CHECK(find_near_copies(texts, 0.7, needs_none).is_copy == std::vector<bool>{false, true, false});
  const std::vector<TextSketch> reordered{texts[1], texts[2], texts[0]};
  CHECK(find_near_copies(reordered, 0.7, needs_none).is_copy == std::vector<bool>{false, true, true});
}

TEST_CASE("unrelated files are not copies", "[near-copies]") {
  std::vector<TextSketch> texts;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(MOE_TEST_CORPUS))
    if (entry.is_regular_file())
      texts.push_back(sketch_of(read_whole_file(entry.path(), 1 << 20), language_of(entry.path()).value()));
  REQUIRE(texts.size() == 30);
  const NearCopies found = find_near_copies(texts, 0.5, needs_none);
  CHECK(std::ranges::count(found.is_copy, true) == 0);
  CHECK(found.comparisons == 0);
}

TEST_CASE("the number of comparisons grows linearly with the corpus", "[near-copies]") {
  // A part of every text is the same in all texts, so the bands of this part agree everywhere.
  std::mt19937 random(5);
  const Words common = random_words(random, 100, 10'000);
  std::vector<TextSketch> texts;
  std::int64_t before = 0;
  for (const std::size_t count : {500u, 1000u, 2000u, 4000u}) {
    while (texts.size() < count) {
      Words words = random_words(random, 50, 10'000);
      words.insert(words.end(), common.begin(), common.end());
      texts.push_back(sketch(words));
    }
    const NearCopies found = find_near_copies(texts, 0.7, needs_none);
    INFO(count << " texts, " << found.comparisons << " comparisons");
    CHECK(std::ranges::count(found.is_copy, true) == 0);
    CHECK(found.comparisons > static_cast<std::int64_t>(count));
    CHECK(found.comparisons <= static_cast<std::int64_t>(count) * 32 * 4);
    if (before > 0) CHECK(found.comparisons < before * 5 / 2);
    before = found.comparisons;
  }
}

}  // namespace near_copies_test
