#include "moe/core/batch.hpp"

#include <vector>

#include "support/catch.hpp"

namespace batch_test {

using namespace moe;

TEST_CASE("a batch's offsets are the running sum of its sequence lengths", "[core]") {
  CHECK(Batch{}.rows() == 0);
  CHECK(Batch{}.count() == 0);
  CHECK(Batch::single(5).offsets == std::vector<Index>{0, 5});
  CHECK(Batch::sequences(3, 2).offsets == std::vector<Index>{0, 2, 4, 6});
  const Batch ragged = Batch::ragged({2, 0, 3});
  CHECK(ragged.offsets == std::vector<Index>{0, 2, 2, 5});
  CHECK(ragged.rows() == 5);
  CHECK(ragged.count() == 3);
}

TEST_CASE("a batch that does not fit its rows is refused, and the error has both numbers", "[core]") {
  CHECK_THROWS_WITH(Batch::ragged({2, -1}), "[Batch::ragged] a sequence's length must not be negative, got -1");
  CHECK_THROWS_WITH(require_batch(Batch::single(4), 5, "here"), "[here] x has 5 rows, the batch describes 4");
  const std::vector<std::int32_t> three = {1, 2, 3};
  Batch batch = Batch::single(4);
  batch.tokens = three;
  CHECK_THROWS_WITH(require_batch(batch, 4, "here"), "[here] x has 4 rows, the batch has 3 token ids");
  batch.tokens = {};
  batch.languages = three;
  CHECK_THROWS_WITH(require_batch(batch, 4, "here"), "[here] x has 4 rows, the batch has 3 languages");
  batch.languages = {};
  CHECK_NOTHROW(require_batch(batch, 4, "here"));
}

TEST_CASE("offsets that do not describe sequences are refused", "[core]") {
  const auto refusal_of = [](const std::vector<Index>& offsets) {
    Batch batch;
    batch.offsets = offsets;
    try {
      require_batch(batch, 3, "here");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  CHECK(refusal_of({0, 5, 3}) == "[here] the batch's offsets must never descend, got 3 after 5");
  CHECK(refusal_of({1, 3}) == "[here] the batch's offsets must start at 0, got 1");
  CHECK(refusal_of({}) == "[here] the batch's offsets must start at 0, got none");
  CHECK(refusal_of({0, 3}).empty());
}

TEST_CASE("a batch of impossible sizes is refused at construction", "[core]") {
  CHECK_THROWS_WITH(Batch::sequences(-1, 4), "[Batch::sequences] the number of sequences must not be negative, got -1");
  CHECK_THROWS_WITH(Batch::ragged({std::numeric_limits<Index>::max(), 1}),
                    Catch::Matchers::ContainsSubstring("the number of rows must fit into an Index"));
  Batch none;
  none.offsets.clear();
  CHECK(none.rows() == 0);
  CHECK(none.count() == 0);
}

TEST_CASE("ids below -1 are refused, and -1 is an unknown id", "[core]") {
  const std::vector<std::int32_t> ids = {3, -2, 0};
  Batch batch = Batch::single(3);
  batch.tokens = ids;
  CHECK_THROWS_WITH(require_batch(batch, 3, "here"),
                    "[here] token ids must be -1 (unknown) or not negative, got -2 for row 1");
  batch.tokens = {};
  batch.languages = ids;
  CHECK_THROWS_WITH(require_batch(batch, 3, "here"),
                    "[here] languages must be -1 (unknown) or not negative, got -2 for row 1");
  const std::vector<std::int32_t> known = {3, -1, 0};
  batch.languages = known;
  CHECK_NOTHROW(require_batch(batch, 3, "here"));
}

}  // namespace batch_test
