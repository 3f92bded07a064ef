#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/counted.hpp"
#include "moe/core/require.hpp"
#include "moe/core/routing_record.hpp"

namespace moe {

// Binary format of routing records. All numbers are little-endian:
//
//   "MOEROUTE"                        8 bytes
//   version u32 (1), number of records u32
//   each record:  hash of its tokens u64 (0: unknown), rows u32, levels u32
//     each level: layer u32, level u16 (0 token, 1 segment), number of experts minus one u16, choices per row u16
//                 (65535: stored in each group), runs u16 (0, 1), groups u32
//       each group: rows u32 if runs is 1, otherwise the group is one row
//                   number of choices u16 if it is stored in each group
//                   its choices u16, in the form of RecordedChoice
//   FNV-1a of all bytes before        u64

namespace detail {

inline constexpr std::array<char, 8> routing_magic{'M', 'O', 'E', 'R', 'O', 'U', 'T', 'E'};
inline constexpr std::uint32_t routing_version = 1;
/// Marks that the number of choices is stored in each group.
inline constexpr std::uint16_t each_says = 65535;

class RoutingWriter {
 public:
  template <class Number>
  void add(Number number) {
    for (std::size_t i = 0; i < sizeof(Number); ++i)
      bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint64_t>(number) >> (8 * i)));
  }
  void add(const RecordedLevel& level) {
    Index rows = 0, plain = 0, in_runs = 0;
    std::size_t per_row = each_says;
    for (Index g = 0; g < level.groups(); ++g) {
      const auto count = level.choices(g).size();
      per_row = g == 0 ? count : count == per_row ? per_row : each_says;
      // Bytes without and with runs. Both include the number of choices, even if it is not stored in each group.
      plain += (level.row_end(g) - rows) * static_cast<Index>(2 + 2 * count);
      in_runs += static_cast<Index>(4 + 2 + 2 * count);
      rows = level.row_end(g);
    }
    // A group of zero bytes is not allowed: few bytes could then declare any number of groups.
    if (per_row == 0) per_row = each_says;
    const bool has_runs = in_runs < plain;
    add(level.layer());
    add(static_cast<std::uint16_t>(level.level() == "segment"));
    add(static_cast<std::uint16_t>(level.experts() - 1));
    add(static_cast<std::uint16_t>(per_row));
    add(static_cast<std::uint16_t>(has_runs));
    add(static_cast<std::uint32_t>(has_runs ? level.groups() : rows));
    rows = 0;
    for (Index g = 0; g < level.groups(); ++g) {
      const Index count = level.row_end(g) - rows;
      rows = level.row_end(g);
      for (Index i = 0; i < (has_runs ? 1 : count); ++i) {
        if (has_runs) add(static_cast<std::uint32_t>(count));
        if (per_row == each_says) add(static_cast<std::uint16_t>(level.choices(g).size()));
        for (const std::uint16_t choice : level.choices(g)) add(choice);
      }
    }
  }

  std::vector<std::uint8_t> bytes;
};

class RoutingReader {
 public:
  RoutingReader(std::span<const std::uint8_t> bytes, std::string_view where) : bytes_(bytes), where_(where) {}

  std::size_t left() const { return bytes_.size() - at_; }
  template <class Number>
  Number take(std::string_view what) {
    require(left() >= sizeof(Number), where_, "the record ends at byte ", bytes_.size(), ", within ", what);
    std::uint64_t number = 0;
    for (std::size_t i = 0; i < sizeof(Number); ++i) number |= static_cast<std::uint64_t>(bytes_[at_++]) << (8 * i);
    return static_cast<Number>(number);
  }
  RecordedLevel level() {
    const auto layer = take<std::uint32_t>("a level's layer");
    const auto kind = take<std::uint16_t>("a level's kind");
    require(kind <= 1, where_, "a level must be 0 (token) or 1 (segment), got ", kind);
    RecordedLevel result(layer, kind == 0 ? "token" : "segment", Index{take<std::uint16_t>("its experts")} + 1);
    const auto per_row = take<std::uint16_t>("its choices per row");
    const auto runs = take<std::uint16_t>("its runs field");
    require(per_row != 0, where_, "choices per row must be at least 1, or 65535 (stored in each group), got 0");
    require(runs <= 1, where_, "the runs field of a level must be 0 or 1, got ", runs);
    const auto groups = take<std::uint32_t>("its number of groups");
    std::vector<std::uint16_t> choices;
    for (std::uint32_t g = 0; g < groups; ++g) {
      const Index rows = runs != 0 ? Index{take<std::uint32_t>("a group's rows")} : 1;
      const std::size_t count = per_row == each_says ? take<std::uint16_t>("a group's choices") : per_row;
      require(count <= left() / 2, where_, "a row has ", counted(count, "choices"), ", the record ends ",
              counted(left(), "bytes"), " after their number");
      choices.resize(count);
      for (std::uint16_t& choice : choices) choice = take<std::uint16_t>("a choice");
      result.append(rows, choices);
    }
    return result;
  }

 private:
  std::span<const std::uint8_t> bytes_;
  std::string_view where_;
  std::size_t at_ = 0;
};

inline std::uint64_t checksum_of(std::span<const std::uint8_t> bytes) {
  Fnv64 fnv;
  for (const std::uint8_t byte : bytes) fnv.add(byte);
  return fnv.hash;
}

}  // namespace detail

/// Records in the binary format above. Throws Error if a record is not consistent.
inline std::vector<std::uint8_t> routing_to_bytes(std::span<const RoutingRecord> records) {
  detail::RoutingWriter writer;
  for (const char c : detail::routing_magic) writer.add(static_cast<std::uint8_t>(c));
  writer.add(detail::routing_version);
  writer.add(static_cast<std::uint32_t>(records.size()));
  for (const RoutingRecord& record : records) {
    record.require_consistent("routing_to_bytes");
    writer.add(record.tokens);
    writer.add(static_cast<std::uint32_t>(record.rows()));
    writer.add(static_cast<std::uint32_t>(record.levels.size()));
    for (const RecordedLevel& level : record.levels) writer.add(level);
  }
  writer.add(detail::checksum_of(writer.bytes));
  return std::move(writer.bytes);
}

/// Reads records that routing_to_bytes wrote. Throws Error for any other bytes, and needs no more memory than a few
/// times their size.
inline std::vector<RoutingRecord> routing_from_bytes(std::span<const std::uint8_t> bytes) {
  constexpr std::string_view where = "routing_from_bytes";
  const auto& magic = detail::routing_magic;
  const bool is_one = bytes.size() >= magic.size() + 8 &&
                      std::equal(magic.begin(), magic.end(), bytes.begin(),
                                 [](char c, std::uint8_t byte) { return static_cast<std::uint8_t>(c) == byte; });
  require(is_one, where, "a routing record must begin with MOEROUTE, got ", counted(bytes.size(), "bytes"),
          " that do not");
  const auto body = bytes.first(bytes.size() - 8);
  detail::RoutingReader reader(body, where), tail(bytes.last(8), where);
  for (std::size_t i = 0; i < magic.size(); ++i) reader.take<std::uint8_t>("its name");
  const auto version = reader.take<std::uint32_t>("its version");
  require(version == detail::routing_version, where, "this version reads routing records of version ",
          detail::routing_version, ", got version ", version);
  const auto sum = detail::checksum_of(body), stored = tail.take<std::uint64_t>("its checksum");
  require(sum == stored, where, "the checksum must be ", sum, ", got ", stored, ": bytes are missing or were changed");
  std::vector<RoutingRecord> records;
  const auto count = reader.take<std::uint32_t>("the number of records");
  for (std::uint32_t i = 0; i < count; ++i) {
    RoutingRecord record;
    record.tokens = reader.take<std::uint64_t>("the hash of a record's tokens");
    const auto rows = reader.take<std::uint32_t>("a record's rows"), levels = reader.take<std::uint32_t>("its levels");
    for (std::uint32_t l = 0; l < levels; ++l) record.levels.push_back(reader.level());
    record.require_consistent(where);
    require(record.rows() == rows, where, "record ", i, " must have ", counted(rows, "rows"), ", got ", record.rows());
    records.push_back(std::move(record));
  }
  require(reader.left() == 0, where, "the bytes must end with the last record, got ", counted(reader.left(), "bytes"),
          " after it");
  return records;
}

}  // namespace moe
