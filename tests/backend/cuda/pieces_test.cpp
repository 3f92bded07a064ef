#include "moe/backend/cuda/pieces.cuh"

#include "support/catch.hpp"

namespace pieces_test {

using namespace moe;

TEST_CASE("pieces cover all rows once, at most 64 of them", "[accelerator]") {
  for (const Index rows : {0, 1, 63, 64, 65, 4095, 4096, 4097, 1000000}) {
    const gpu::Pieces pieces(rows);
    CHECK(pieces.count <= 64);
    Index next = 0;
    for (Index piece = 0; piece < pieces.count; ++piece) {
      CHECK(pieces.begin(piece) == next);
      CHECK(pieces.end(piece) > next);
      next = pieces.end(piece);
    }
    CHECK(next == rows);
  }
}

}  // namespace pieces_test
