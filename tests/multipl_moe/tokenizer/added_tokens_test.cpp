#include "multipl_moe/tokenizer/added_tokens.hpp"

#include "support/catch.hpp"

namespace added_tokens_test {

using namespace multipl_moe;

TEST_CASE("the leftmost added token is found, and the longest of several at the same position", "[tokenizer]") {
  const AddedTokenFinder finder({{"<a>", 1}, {"<a>b", 2}, {"b<", 3}, {"é", 4}});
  const std::string_view text = "x<a>bb<a><a é";
  const auto at = [&](std::size_t begin) {
    const auto found = finder.find(text, begin);
    return std::pair{found.begin, found.token == nullptr ? Token{0} : found.token->id};
  };
  CHECK(at(0) == std::pair{std::size_t{1}, Token{2}});
  CHECK(at(2) == std::pair{std::size_t{5}, Token{3}});
  CHECK(at(6) == std::pair{std::size_t{6}, Token{1}});
  CHECK(at(9) == std::pair{std::size_t{12}, Token{4}});
  CHECK(at(14) == std::pair{text.size(), Token{0}});
  CHECK(AddedTokenFinder({}).find(text, 3).begin == text.size());
}

}  // namespace added_tokens_test
