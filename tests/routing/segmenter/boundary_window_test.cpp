#include "moe/routing/segmenter/boundary_window.hpp"

#include <vector>

#include "moe/core/batch.hpp"
#include "moe/routing/segmenter/fixed_window.hpp"
#include "moe/routing/steps/segment.hpp"
#include "support/catch.hpp"

namespace boundary_window_test {

using namespace moe;

namespace {

constexpr std::int32_t newline = 10;

std::vector<Index> cuts(const BoundaryWindow& segmenter, const std::vector<std::int32_t>& tokens) {
  Batch batch = Batch::single(static_cast<Index>(tokens.size()));
  batch.tokens = tokens;
  return cut_into_segments(segmenter, batch).begin;
}

}  // namespace

TEST_CASE("a window ends after the boundary token, not before its minimum, at its maximum at the latest",
          "[policies]") {
  const BoundaryWindow segmenter{.boundary = newline, .minimum = 2, .maximum = 4};
  CHECK(cuts(segmenter, {1, 1, newline, 1, newline, 1}) == std::vector<Index>{0, 3, 5, 6});
  CHECK(cuts(segmenter, {newline, newline, newline, 1, 1}) == std::vector<Index>{0, 2, 5});
  CHECK(cuts(segmenter, {1, 1, 1, 1, newline, 1}) == std::vector<Index>{0, 4, 6});
  CHECK(cuts(segmenter, {1, 1, 1, newline, 1}) == std::vector<Index>{0, 4, 5});
}

TEST_CASE("without token ids, or with minimum = maximum, it cuts like FixedWindow", "[policies]") {
  const Batch blind = Batch::ragged({9, 0, 4});
  const auto fixed = cut_into_segments(FixedWindow{.window = 4}, blind).begin;
  CHECK(cut_into_segments(BoundaryWindow{.minimum = 1, .maximum = 4}, blind).begin == fixed);
  Batch spoken = blind;
  const std::vector<std::int32_t> newlines(13, newline);
  spoken.tokens = newlines;
  CHECK(cut_into_segments(BoundaryWindow{.minimum = 4, .maximum = 4}, spoken).begin == fixed);
}

}  // namespace boundary_window_test
