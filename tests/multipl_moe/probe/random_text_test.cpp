#include "multipl_moe/probe/random_text.hpp"

#include <algorithm>
#include <cmath>

#include "support/catch.hpp"

namespace random_text_test {

using namespace multipl_moe::probe;

TEST_CASE("lines have 63 letters of the alphabet, each as frequent as any other", "[probe]") {
  for (const Alphabet& alphabet : alphabets) {
    INFO(alphabet.name);
    const std::int64_t lines = 2000;
    const std::string text = random_lines(alphabet, lines, 1, TextUse::probing);
    REQUIRE(std::ssize(text) == lines * bytes_of_line);
    for (std::size_t i = 0; i < text.size(); ++i) {
      if ((text[i] == '\n') != (i % 64 == 63)) FAIL("a line end at " << i);
      if (text[i] != '\n' && alphabet.letters.find(text[i]) == std::string_view::npos) FAIL("a letter " << text[i]);
    }
    const double share = 1 / static_cast<double>(alphabet.letters.size());
    const double mean = 63 * lines * share, deviation = std::sqrt(mean * (1 - share));
    for (const char letter : alphabet.letters)
      CHECK(std::abs(static_cast<double>(std::count(text.begin(), text.end(), letter)) - mean) < 5 * deviation);
    CHECK(alphabet.bits() == Catch::Approx(-std::log2(share)));
  }
}

TEST_CASE("a text depends on seed, number and use, and nothing else", "[probe]") {
  const auto text = [](std::uint64_t seed, TextUse use, std::uint32_t number) {
    return random_lines(alphabets.front(), 2, seed, use, number);
  };
  const std::string first = text(0, TextUse::training, 0);
  CHECK(text(0, TextUse::training, 0) == first);
  CHECK(text(1, TextUse::training, 0) != first);
  CHECK(text(0, TextUse::training, 1) != first);
  // What a model may have learned by heart is never scored.
  CHECK(text(0, TextUse::probing, 0) != first);
  CHECK(random_lines(alphabets.front(), 1, 0, TextUse::training) == first.substr(0, 64));
}

}  // namespace random_text_test
