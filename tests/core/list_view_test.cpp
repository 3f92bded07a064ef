#include "moe/core/list_view.hpp"

#include <numeric>

#include "support/catch.hpp"

namespace list_view_test {

using namespace moe;

namespace {
Index sum(ListView<Index> list) { return std::accumulate(list.begin(), list.end(), Index{0}); }
Index last(ListView<Index> list) { return list[list.size - 1]; }
}  // namespace

TEST_CASE("a list view reads a vector, a memory range or a braced list", "[core]") {
  const std::vector<Index> values = {1, 2, 4, 8};
  CHECK(sum(values) == 15);
  CHECK(last(values) == 8);
  CHECK(ListView<Index>(values).data == values.data());
  CHECK(sum({values.data(), Index{2}}) == 3);
  CHECK(sum({3, 4, 5}) == 12);
  CHECK(last({3, 4, 5}) == 5);
  CHECK(sum({}) == 0);
  CHECK(ListView<Index>().size == 0);
}

}  // namespace list_view_test
