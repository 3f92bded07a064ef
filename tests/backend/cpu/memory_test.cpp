#include "moe/backend/cpu/memory.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "support/catch.hpp"

namespace memory_test {

using namespace moe;

namespace {

using B = Cpu<>;
const CpuContext context{.threads = 2};

}  // namespace

TEST_CASE("upload and download work on strided views", "[cpu]") {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  Matrix<float, B> m(2, 5);
  B::upload(context, values.data(), m.view().cols_between(1, 4));
  CHECK(m.view()(1, 1) == 4);
  CHECK(m.view()(0, 0) == 0);
  CHECK(m.view()(0, 4) == 0);
  std::vector<float> back(6);
  B::download(context, m.const_view().cols_between(1, 4), back.data());
  CHECK(back == values);
}

TEST_CASE("an asynchronous copy to the host holds the values at the time of its start", "[cpu]") {
  Matrix<float, B> m(2, 3);
  m.view()(1, 2) = 7;
  const auto later = B::download_async(context, m.const_view().cols_between(1, 3));
  m.view()(1, 2) = 8;
  CHECK(std::vector<float>(later.wait(), later.wait() + 4) == std::vector<float>{0, 0, 0, 7});
}

}  // namespace memory_test
