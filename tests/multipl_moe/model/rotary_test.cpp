#include "multipl_moe/model/rotary.hpp"

#include <cmath>
#include <vector>

#include "multipl_moe/model/rows.hpp"
#include "support/catch.hpp"

namespace rotary_test {

using namespace multipl_moe;
using Catch::Approx;

namespace {

/// Rotates the heads of a row by the position `position` of a table that begins at `first`.
std::vector<double> turned(std::vector<double> row, const RotaryFrequencies& turns, moe::Index first,
                           moe::Index position, double direction = 1) {
  using B = moe::Cpu<>;
  const auto width = static_cast<moe::Index>(2 * turns.frequency.size());
  RotaryTable<double> table(width);
  table.add(turns, first, position - first + 3);
  const auto position_1T = moe::upload_indices<B>({}, std::vector{position - first});
  RowOperations<double, B>::turn({}, {row.data(), 1, static_cast<moe::Index>(row.size())},
                                 {table.data(), table.rows(), width}, position_1T, direction);
  return row;
}

}  // namespace

TEST_CASE("channels i and i + d/2 are rotated by position / theta^(2i/d)", "[model]") {
  const auto turns = rotary_frequencies({.theta = 100}, 4, 8);
  const auto head = turned({1, 2, 3, 4}, turns, 0, 5);
  const double a = 5, b = 5.0 / 10;
  CHECK(head[0] == Approx(1 * std::cos(a) - 3 * std::sin(a)));
  CHECK(head[2] == Approx(3 * std::cos(a) + 1 * std::sin(a)));
  CHECK(head[1] == Approx(2 * std::cos(b) - 4 * std::sin(b)));
  CHECK(head[3] == Approx(4 * std::cos(b) + 2 * std::sin(b)));
  const auto back = turned(head, turns, 0, 5, -1);
  for (int i = 0; i < 4; ++i) CHECK(back[static_cast<std::size_t>(i)] == Approx(i + 1));
}

TEST_CASE("a rotary table may start at any position", "[model]") {
  const RotaryFrequencies turns = rotary_frequencies({.theta = 1e6}, 4, 20);
  const std::vector<double> heads{1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(turned(heads, turns, 0, 17) == turned(heads, turns, 17, 17));
}

TEST_CASE("linear scaling divides frequencies, dynamic scaling lowers them with the text's length", "[model]") {
  const auto plain = rotary_frequencies({.theta = 1e4}, 8, 100).frequency;
  const auto linear = rotary_frequencies({1e4, {.type = RotaryScaling::Type::linear, .factor = 4}}, 8, 100).frequency;
  for (std::size_t i = 0; i < 4; ++i) CHECK(linear[i] == Approx(plain[i] / 4).epsilon(1e-14));

  const Rotation dynamic{1e4, {.type = RotaryScaling::Type::dynamic, .factor = 2, .original_positions = 100}};
  CHECK(rotary_frequencies(dynamic, 8, 100).frequency == plain);
  // At 150 tokens the base is theta (2 * 1.5 - 1)^(8 / 6).
  const double base = 1e4 * std::pow(2.0, 8.0 / 6);
  const auto longer = rotary_frequencies(dynamic, 8, 150).frequency;
  for (std::size_t i = 0; i < 4; ++i) CHECK(longer[i] == Approx(std::pow(base, -static_cast<double>(i) / 4)));
}

TEST_CASE("yarn and llama3 keep short wavelengths, stretch long ones and interpolate between them", "[model]") {
  using Type = RotaryScaling::Type;
  const std::size_t channels = 32;
  const auto plain = rotary_frequencies({.theta = 1e6}, 64, 1).frequency;
  const auto check_ends = [&](const RotaryScaling& scaling) {
    const auto turns = rotary_frequencies({1e6, scaling}, 64, 1);
    CHECK(turns.magnitude == scaling.attention_factor);
    CHECK(turns.frequency.front() == plain.front());
    CHECK(turns.frequency.back() == Approx(plain.back() / scaling.factor).epsilon(1e-14));
    std::size_t between = 0;
    for (std::size_t i = 1; i < channels; ++i) {
      const double stretch = plain[i] / turns.frequency[i];
      between += stretch > 1.001 && stretch < scaling.factor - 0.001;
      CHECK(stretch >= plain[i - 1] / turns.frequency[i - 1] * (1 - 1e-12));
    }
    CHECK(between > 1);
    return turns.frequency;
  };
  const RotaryScaling yarn{.type = Type::yarn, .factor = 4, .original_positions = 32768, .attention_factor = 1.25};
  const auto ramp = check_ends(yarn);
  // The ramp begins at channel ln(32768 / 64 pi) * 32 / ln 1e6 = 11.8, rounded down to 11, and ends at 19.8, rounded up
  // to 20. Channel 22 is beyond it and stretched completely; channel 15 is at 4/9 of it.
  CHECK(ramp[22] == Approx(plain[22] / 4).epsilon(1e-14));
  CHECK(ramp[15] == Approx(plain[15] * (1 - 4.0 / 9 * 3 / 4)).epsilon(1e-14));
  RotaryScaling fine = yarn;
  fine.truncate = false;
  CHECK(rotary_frequencies({1e6, fine}, 64, 1).frequency[15] != ramp[15]);

  const RotaryScaling llama3{
      .type = Type::llama3, .factor = 8, .original_positions = 8192, .low_freq_factor = 1, .high_freq_factor = 4};
  const auto bands = check_ends(llama3);
  for (std::size_t i = 0; i < channels; ++i) {
    const double turns = 8192 * plain[i] / (2 * 3.14159265358979323846);
    INFO(i << " turns " << turns);
    if (turns > 4) CHECK(bands[i] == plain[i]);
    if (turns < 1) CHECK(bands[i] == Approx(plain[i] / 8).epsilon(1e-14));
    if (turns > 1 && turns < 4) CHECK(bands[i] == Approx(plain[i] * (1 / 8.0 + (turns - 1) / 3 * 7 / 8)));
  }
}

TEST_CASE("a magnitude scales the rotated channels, and their gradients by the same factor", "[model]") {
  RotaryFrequencies turns = rotary_frequencies({.theta = 100}, 4, 8);
  const auto one = turned({1, 2, 3, 4}, turns, 0, 5);
  turns.magnitude = 1.5;
  auto scaled = turned({1, 2, 3, 4}, turns, 0, 5);
  for (std::size_t i = 0; i < 4; ++i) CHECK(scaled[i] == Approx(1.5 * one[i]));
  scaled = turned(scaled, turns, 0, 5, -1);
  for (std::size_t i = 0; i < 4; ++i) CHECK(scaled[i] == Approx(1.5 * 1.5 * static_cast<double>(i + 1)));
}

TEST_CASE("with dynamic scaling the rows of a long sequence have the frequencies of its length", "[model]") {
  using B = moe::Cpu<>;
  const Rotation dynamic{1e4, {.type = RotaryScaling::Type::dynamic, .factor = 2, .original_positions = 6}};
  const RotaryEmbedding<double, B> embedding(dynamic, 4);
  const auto rotations = embedding.of({}, moe::Batch::ragged({3, 9, 5, 7})), after = embedding.after({}, {4, 8});
  const auto check = [&](const RowRotations<double, B>& by, moe::Index row, moe::Index length, moe::Index position) {
    const double f = rotary_frequencies(dynamic, 4, length).frequency[1];
    const double* entry = by.table_PC->data() + 4 * by.position_1T.data()[row];
    CHECK(entry[1] == Approx(std::cos(f * static_cast<double>(position))));
    CHECK(entry[3] == Approx(std::sin(f * static_cast<double>(position))));
  };
  for (moe::Index t = 0; t < 9; ++t) check(rotations, 3 + t, 9, t);
  for (moe::Index t = 0; t < 5; ++t) check(rotations, 12 + t, 5, t);
  for (moe::Index t = 0; t < 7; ++t) check(rotations, 17 + t, 7, t);
  check(after, 0, 5, 4);
  check(after, 1, 9, 8);
}

TEST_CASE("a rotary table is kept for later passes, except beyond the length of dynamic scaling", "[model]") {
  using B = moe::Cpu<>;
  const Rotation dynamic{1e4, {.type = RotaryScaling::Type::dynamic, .factor = 2, .original_positions = 6}};
  const RotaryEmbedding<double, B> embedding(dynamic, 4);
  const auto kept = embedding.of({}, moe::Batch::ragged({3, 6})).table_PC;
  CHECK(embedding.after({}, {5, 1}).table_PC == kept);
  CHECK(embedding.of({}, moe::Batch::single(7)).table_PC != kept);
  CHECK(embedding.after({}, {6}).table_PC != kept);
  CHECK(embedding.of({}, moe::Batch::single(2)).table_PC == kept);
}

}  // namespace rotary_test
