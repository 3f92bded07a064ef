#include "moe/core/routing_record.hpp"

#include "support/catch.hpp"

namespace routing_record_test {

using namespace moe;

namespace {

using Choices = std::vector<std::uint16_t>;

Choices row(const RecordedLevel& level, Index t) { return {level.of_row(t).begin(), level.of_row(t).end()}; }

}  // namespace

TEST_CASE("a recorded level has each row's choices, and stores adjacent rows with the same choices once",
          "[core][replay]") {
  RecordedLevel level(3, "segment", 5);
  CHECK(level.rows() == 0);
  level.append(3, Choices{4, 0});
  level.append(1, {});
  level.append(2, Choices{2});
  level.append(1, Choices{2});
  CHECK(level.rows() == 7);
  CHECK(level.groups() == 3);
  for (Index t : {0, 2}) CHECK(row(level, t) == Choices{4, 0});
  CHECK(row(level, 3).empty());
  for (Index t : {4, 5, 6}) CHECK(row(level, t) == Choices{2});

  RecordedLevel cut = level;
  cut.truncate(9);
  CHECK(cut == level);
  cut.truncate(5);
  CHECK(cut.rows() == 5);
  CHECK(row(cut, 4) == Choices{2});
  cut.truncate(4);
  CHECK(cut.groups() == 2);
  cut.append(3, Choices{2});
  CHECK(cut == level);
  cut.truncate(0);
  CHECK(cut == RecordedLevel(3, "segment", 5));
}

TEST_CASE("a recorded level refuses impossible choices and stays unchanged", "[core][replay]") {
  RecordedLevel level(3, "token", 5);
  level.append(1, Choices{1});
  CHECK_THROWS_WITH(level.append(1, Choices{0, 5}),
                    "[RecordedLevel] the token level of layer 3 has 5 experts, row 1 chose expert 5");
  CHECK_THROWS_WITH(level.append(1, Choices{2, 1, static_cast<std::uint16_t>(2 | RecordedChoice::dropped)}),
                    "[RecordedLevel] row 1 of the token level of layer 3 chose expert 2 twice");
  CHECK_THROWS_AS(level.append(0, Choices{2}), Error);
  CHECK_THROWS_AS(level.append(Index{1} << 32, Choices{2}), Error);
  CHECK(level.rows() == 1);
  CHECK(row(level, 0) == Choices{1});
  CHECK_THROWS_WITH(RecordedLevel(0, "block", 5), "[RecordedLevel] a level must be token or segment, got block");
  CHECK_THROWS_WITH(RecordedLevel(0, "token", 0),
                    "[RecordedLevel] the number of experts must lie in [1, 32768], got 0");
  CHECK_THROWS_AS(RecordedLevel(0, "token", 32769), Error);
}

TEST_CASE("different token lists have different hashes", "[core][replay]") {
  using Tokens = std::vector<std::int32_t>;
  CHECK(hash_of_tokens(Tokens{1, 2}) == hash_of_tokens(Tokens{1, 2}));
  CHECK(hash_of_tokens(Tokens{1, 2}) != hash_of_tokens(Tokens{2, 1}));
  CHECK(hash_of_tokens(Tokens{0}) != hash_of_tokens(Tokens{0, 0}));
  CHECK(hash_of_tokens(Tokens{1}) != hash_of_tokens(Tokens{256}));
  CHECK(hash_of_tokens({}) != 0);
}

}  // namespace routing_record_test
