#include "moe/ops/upload_indices.hpp"

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"

namespace upload_indices_test {

using namespace moe;

TEST_CASE("host indices become one row on the backend, in order", "[ops]") {
  const std::vector<Index> indices = {3, 0, Index{1} << 40};
  const auto row = upload_indices<Cpu<>>({}, indices);
  REQUIRE(row.rows() == 1);
  REQUIRE(row.cols() == 3);
  CHECK(std::vector<Index>(row.data(), row.data() + 3) == indices);
  CHECK(upload_indices<Cpu<>>({}, ListView<Index>()).empty());
}

}  // namespace upload_indices_test
