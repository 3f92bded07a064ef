#include "moe/core/batch.hpp"

#include <vector>

#include "support/catch.hpp"

using namespace moe;

TEST_CASE("a batch lays sequences end to end", "[core]") {
  CHECK(Batch{}.rows() == 0);
  CHECK(Batch{}.count() == 0);
  CHECK(Batch::single(5).offsets == std::vector<Index>{0, 5});
  CHECK(Batch::sequences(3, 2).offsets == std::vector<Index>{0, 2, 4, 6});
  const Batch ragged = Batch::ragged({2, 0, 3});
  CHECK(ragged.offsets == std::vector<Index>{0, 2, 2, 5});
  CHECK(ragged.rows() == 5);
  CHECK(ragged.count() == 3);
}

TEST_CASE("a batch that does not fit its rows is named with its numbers", "[core]") {
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

TEST_CASE("offsets that are no sequences are refused", "[core]") {
  for (const std::vector<Index>& offsets : {std::vector<Index>{0, 5, 3}, {1, 3}, {}}) {
    Batch batch;
    batch.offsets = offsets;
    CHECK_THROWS_WITH(require_batch(batch, 3, "here"), "[here] the batch's offsets must start at 0 and never descend");
  }
}
