#include "moe/backend/cuda/row_blocks.cuh"

#include "support/catch.hpp"

namespace row_blocks_test {

using namespace moe;

TEST_CASE("blocks cover all rows once, at most 64 of them", "[accelerator]") {
  for (const Index rows : {0, 1, 63, 64, 65, 4095, 4096, 4097, 1000000}) {
    const gpu::RowBlocks blocks(rows);
    CHECK(blocks.count <= 64);
    Index next = 0;
    for (Index block = 0; block < blocks.count; ++block) {
      CHECK(blocks.begin(block) == next);
      CHECK(blocks.end(block) > next);
      next = blocks.end(block);
    }
    CHECK(next == rows);
  }
}

}  // namespace row_blocks_test
