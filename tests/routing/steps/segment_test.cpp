#include "moe/routing/steps/segment.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/ops/upload_indices.hpp"
#include "moe/routing/segmenter/fixed_window.hpp"
#include "support/catch.hpp"
#include "support/random_tensors.hpp"

namespace segment_test {

using namespace moe;
using namespace moe::testing;
using Indices = std::vector<Index>;

TEST_CASE("sequences are cut into windows, the last one shorter, and no window spans two sequences", "[ops]") {
  const auto cut = cut_into_segments(FixedWindow{.window = 3}, Batch::ragged({7, 0, 2, 3, 0}));
  CHECK(cut.begin == Indices{0, 3, 6, 7, 9, 12});
  CHECK(cut.opens_sequence == Indices{1, 0, 0, 1, 1});
  CHECK(cut.of_row == Indices{0, 0, 0, 1, 1, 1, 2, 3, 3, 4, 4, 4});
  CHECK(cut.count() == 5);
}

TEST_CASE("a batch without rows has no segments", "[ops]") {
  for (const Batch& batch : {Batch{}, Batch::single(0), Batch::ragged({0, 0})}) {
    const auto cut = cut_into_segments(FixedWindow{.window = 3}, batch);
    CHECK(cut.count() == 0);
    CHECK(cut.begin == Indices{0});
  }
}

TEST_CASE("windows of any length cover every row once", "[ops]") {
  for (std::uint32_t i = 0; i < 200; ++i) {
    Draw draw("windows", i);
    std::vector<Index> lengths(static_cast<std::size_t>(draw.between(0, 4)));
    for (Index& length : lengths) length = draw.between(0, 20);
    const Index window = draw.between(1, 6);
    const auto cut = cut_into_segments(FixedWindow{.window = window}, Batch::ragged(lengths));
    INFO("case " << i << ", MOE_TEST_SEED=" << seed());
    Index expected = 0, rows = 0, opened = 0;
    for (const Index length : lengths) expected += (length + window - 1) / window, rows += length;
    CHECK(cut.count() == expected);
    CHECK(cut.begin.back() == rows);
    for (Index v = 0; v < cut.count(); ++v) {
      const auto at = static_cast<std::size_t>(v);
      opened += cut.opens_sequence[at];
      CHECK(cut.begin[at + 1] - cut.begin[at] <= window);
      for (Index t = cut.begin[at]; t < cut.begin[at + 1]; ++t) CHECK(cut.of_row[static_cast<std::size_t>(t)] == v);
    }
    CHECK(opened == std::count_if(lengths.begin(), lengths.end(), [](Index length) { return length > 0; }));
  }
}

TEST_CASE("stacked appends the rows of the second matrix to the first", "[ops]") {
  Draw draw("stacked");
  const auto a = random_matrix<float, Cpu<>>(draw, 3, 4), b = random_matrix<float, Cpu<>>(draw, 40, 4);
  const auto both = stacked<float, Cpu<>>({.threads = 2}, a, b);
  REQUIRE(both.rows() == 43);
  for (Index r = 0; r < 43; ++r)
    for (Index d = 0; d < 4; ++d) CHECK(both.view()(r, d) == (r < 3 ? a.view()(r, d) : b.view()(r - 3, d)));
  CHECK(stacked<float, Cpu<>>({}, a, Matrix<float, Cpu<>>(0, 4)).rows() == 3);
}

TEST_CASE("a segment's values are repeated over its rows, and the backward sums over the rows", "[ops]") {
  const CpuContext context{.threads = 2};
  const auto cut = cut_into_segments(FixedWindow{.window = 3}, Batch::ragged({7, 0, 2}));
  const auto of_row = upload_indices<Cpu<>>(context, cut.of_row), begin = upload_indices<Cpu<>>(context, cut.begin);
  Draw draw("repeat");
  const auto values = random_matrix<double, Cpu<>>(draw, cut.count(), 2);
  const auto rows = repeat_over_rows<double, Cpu<>>(context, values.view(), of_row.view());
  REQUIRE(rows.rows() == 9);
  for (Index t = 0; t < 9; ++t)
    for (Index e = 0; e < 2; ++e) CHECK(rows.view()(t, e) == values.view()(cut.of_row[static_cast<std::size_t>(t)], e));

  const auto d_rows = random_matrix<double, Cpu<>>(draw, 9, 2);
  const auto d_values = repeat_over_rows_backward<double, Cpu<>>(context, d_rows.view(), begin.view());
  // The backward is the transpose: <repeat(v), d> = <v, back(d)>.
  double there = 0, back = 0;
  for (Index i = 0; i < 18; ++i) there += rows.data()[i] * d_rows.data()[i];
  for (Index i = 0; i < values.size(); ++i) back += values.data()[i] * d_values.data()[i];
  CHECK(there == Catch::Approx(back).epsilon(1e-13));
  CHECK(d_values.rows() == cut.count());
}

}  // namespace segment_test
