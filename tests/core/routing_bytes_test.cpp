#include "moe/core/routing_bytes.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace routing_bytes_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Bytes = std::vector<std::uint8_t>;
using Choices = std::vector<std::uint16_t>;

/// Two sequences, the second without rows. The levels of the first: two choices per row, any number of choices per row,
/// and segments.
std::vector<RoutingRecord> some_records() {
  RoutingRecord record;
  const std::vector<std::int32_t> tokens{5, 0, -1, 70000, 2};
  record.tokens = hash_of_tokens(tokens);
  RecordedLevel token(0, "token", 8), ragged(7, "token", RecordedChoice::most_experts), segment(7, "segment", 1);
  for (std::uint16_t t = 0; t < 5; ++t)
    token.append(1, Choices{t, static_cast<std::uint16_t>(7 | (t == 3 ? 0x8000 : 0))});
  ragged.append(1, {});
  ragged.append(2, Choices{32767});
  ragged.append(1, Choices{3, 1, 2});
  ragged.append(1, {});
  segment.append(4, Choices{0});
  segment.append(1, {});
  record.levels = {token, ragged, segment};
  RoutingRecord none;
  none.levels = {RecordedLevel(0, "token", 8)};
  return {record, none};
}
Bytes with_checksum(Bytes bytes) {
  const auto sum = detail::checksum_of(std::span(bytes).first(bytes.size() - 8));
  for (std::size_t i = 0; i < 8; ++i) bytes[bytes.size() - 8 + i] = static_cast<std::uint8_t>(sum >> (8 * i));
  return bytes;
}
std::string refusal(const Bytes& bytes) {
  try {
    routing_from_bytes(bytes);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("records survive the conversion to bytes and back", "[core][replay]") {
  const auto records = some_records();
  CHECK(routing_from_bytes(routing_to_bytes(records)) == records);
  CHECK(routing_from_bytes(routing_to_bytes({})).empty());
}

TEST_CASE("the bytes of a record follow the documented format", "[core][replay]") {
  RoutingRecord record;
  record.tokens = 0x0102030405060708u;
  record.levels.emplace_back(2, "token", 4);
  record.levels.back().append(1, Choices{3, 0x8001});
  record.levels.emplace_back(2, "segment", 300);
  record.levels.back().append(1, Choices{299});
  const Bytes expected = {'M', 'O', 'E', 'R',  'O', 'U', 'T', 'E', 1, 0, 0, 0, 1, 0, 0, 0,  //
                          8,   7,   6,   5,    4,   3,   2,   1,   1, 0, 0, 0, 2, 0, 0, 0,  //
                          2,   0,   0,   0,    0,   0,   3,   0,   2, 0, 0, 0, 1, 0, 0, 0,  //
                          3,   0,   1,   0x80,                                              //
                          2,   0,   0,   0,    1,   0,   43,  1,   1, 0, 0, 0, 1, 0, 0, 0,  //
                          43,  1};
  auto bytes = routing_to_bytes(std::span(&record, 1));
  REQUIRE(bytes.size() == expected.size() + 8);
  bytes.resize(expected.size());
  CHECK(bytes == expected);
  // The published 64-bit FNV-1a hash of "a".
  CHECK(detail::checksum_of(Bytes{'a'}) == 0xaf63dc4c8601ec8cu);
}

TEST_CASE("a choice takes two bytes, and a segment takes four bytes plus its choices", "[core][replay]") {
  RoutingRecord record;
  record.levels.emplace_back(0, "token", 64);
  const auto size = [&] { return static_cast<Index>(routing_to_bytes(std::span(&record, 1)).size()); };
  const Index empty = size();
  for (std::uint16_t t = 0; t < 1000; ++t)
    record.levels[0].append(1, Choices{static_cast<std::uint16_t>(t % 64), static_cast<std::uint16_t>((t + 1) % 64)});
  CHECK(size() - empty == 1000 * 2 * 2);
  record.levels[0].truncate(0);
  for (std::uint16_t v = 0; v < 100; ++v) record.levels[0].append(16, Choices{static_cast<std::uint16_t>(v % 64)});
  CHECK(size() - empty == 100 * (4 + 2));
}

TEST_CASE("a record with a changed, missing or additional byte is refused", "[core][replay]") {
  const Bytes bytes = routing_to_bytes(some_records());
  for (std::size_t i = 0; i < bytes.size(); ++i)
    for (const int bit : {0, 1, 4, 7}) {
      Bytes changed = bytes;
      changed[i] = static_cast<std::uint8_t>(changed[i] ^ (1 << bit));
      INFO("byte " << i << ", bit " << bit);
      CHECK_FALSE(refusal(changed).empty());
    }
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK_FALSE(refusal({bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)}).empty());
  Bytes longer = bytes;
  longer.push_back(0);
  CHECK_FALSE(refusal(longer).empty());
}

TEST_CASE("bytes with a correct checksum are either a valid record or refused", "[core][replay]") {
  const Bytes bytes = routing_to_bytes(some_records());
  int refused = 0;
  for (std::size_t i = 0; i + 8 < bytes.size(); ++i)
    for (int value = 0; value < 256; value += 5) {
      Bytes changed = bytes;
      changed[i] = static_cast<std::uint8_t>(value);
      changed = with_checksum(std::move(changed));
      INFO("byte " << i << " is " << value);
      try {
        const auto records = routing_from_bytes(changed);
        // Accepted bytes are a complete record: it can be written and read back.
        CHECK(routing_from_bytes(routing_to_bytes(records)) == records);
      } catch (const Error&) {
        ++refused;
      }
    }
  CHECK(refused > 1000);
  Draw draw("routing bytes");
  for (int i = 0; i < 2000; ++i) {
    Bytes changed = bytes;
    for (Index n = draw.between(1, 6); n > 0; --n)
      changed[static_cast<std::size_t>(draw.between(12, std::ssize(changed) - 9))] =
          static_cast<std::uint8_t>(draw.between(0, 255));
    try {
      routing_from_bytes(with_checksum(std::move(changed)));
    } catch (const Error&) {
    }
  }
}

TEST_CASE("the error names what is wrong with the bytes", "[core][replay]") {
  const auto with = [&](std::size_t at, std::uint8_t value) {
    Bytes bytes = routing_to_bytes(some_records());
    bytes[at] = value;
    return refusal(with_checksum(std::move(bytes)));
  };
  using Catch::Matchers::ContainsSubstring;
  CHECK_THAT(refusal({1, 2}), ContainsSubstring("must begin with MOEROUTE, got 2 bytes"));
  CHECK_THAT(with(0, 'm'), ContainsSubstring("must begin with MOEROUTE"));
  CHECK_THAT(with(8, 2), ContainsSubstring("of version 1, got version 2"));
  CHECK_THAT(with(24, 6), ContainsSubstring("record 0 must have 6 rows, got 5"));
  CHECK_THAT(with(36, 2), ContainsSubstring("a level must be 0 (token) or 1 (segment), got 2"));
  CHECK_THAT(with(38, 3), ContainsSubstring("has 4 experts, row 0 chose expert 7"));
  CHECK_THAT(with(40, 0), ContainsSubstring("choices per row must be at least 1"));
  CHECK_THAT(with(42, 9), ContainsSubstring("must be 0 or 1, got 9"));
  CHECK_THAT(with(12, 1), ContainsSubstring("the bytes must end with the last record, got 32 bytes after it"));
  CHECK_THAT(with(12, 3), ContainsSubstring("the record ends at byte"));
  CHECK_THAT(with(48, 7), ContainsSubstring("row 0 of the token level of layer 0 chose expert 7 twice"));
  Bytes changed = routing_to_bytes(some_records());
  ++changed.back();
  CHECK_THAT(refusal(changed), ContainsSubstring("bytes are missing or were changed"));
}

TEST_CASE("inconsistent records are not written", "[core][replay]") {
  RoutingRecord record;
  record.levels.emplace_back(0, "token", 4);
  record.levels.emplace_back(0, "token", 4);
  CHECK_THROWS_WITH(routing_to_bytes(std::span(&record, 1)),
                    "[routing_to_bytes] the record has the token level of layer 0 twice");
  record.levels[1] = RecordedLevel(1, "token", 4);
  record.levels[1].append(2, Choices{1});
  CHECK_THROWS_WITH(routing_to_bytes(std::span(&record, 1)),
                    "[routing_to_bytes] all levels must have the same number of rows, the token level of layer 1 has "
                    "2, the token level of layer 0 has 0");
}

}  // namespace routing_bytes_test
