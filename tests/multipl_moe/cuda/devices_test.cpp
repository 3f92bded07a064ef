/// No GPU is needed: what the driver would report is given.
#include "multipl_moe/cuda/devices.hpp"

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace devices_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;

namespace {

constexpr Device gpu(int index) { return {Device::Kind::cuda, index}; }

Gpus two_gpus() {
  return {{{0, "NVIDIA A100", 8, 0, std::int64_t{80} << 30, 0}, {1, "Tesla V100", 7, 0, std::int64_t{16} << 30, 0}},
          "",
          "13.0",
          "13.0",
          ""};
}

}  // namespace

TEST_CASE("gpus() has a list, or the reason why it is empty") {
  Gpus found = gpus();
  CHECK(found.list.empty() != found.none_because.empty());
  for (Gpu& each : found.list) {
    CHECK(find_free_memory(each).empty() == (each.free_bytes > 0));
    CHECK(each.free_bytes <= each.memory_bytes);
  }
}

TEST_CASE("a GPU that is there and new enough is found by its number") {
  CHECK(require_gpu(gpu(0), two_gpus()).name == "NVIDIA A100");
  Gpus new_ones = two_gpus();
  new_ones.list[1].major = 12;
  CHECK(require_gpu(gpu(1), new_ones).name == "Tesla V100");
}

TEST_CASE("a GPU that is not there is refused with those that are") {
  CHECK_THROWS_AS(require_gpu(gpu(7), two_gpus()), Failure);
  CHECK_THROWS_WITH(require_gpu(gpu(7), two_gpus()),
                    ContainsSubstring("[--device] must name a GPU of this machine, found cuda:7; there is\n"
                                      "  cuda:0 NVIDIA A100, compute capability 8.0, 80.00 GiB\n"
                                      "  cuda:1 Tesla V100, compute capability 7.0, 16.00 GiB (too old"));
}

TEST_CASE("a GPU older than compute capability 8.0 is refused") {
  CHECK_THROWS_AS(require_gpu(gpu(1), two_gpus()), Failure);
  CHECK_THROWS_WITH(require_gpu(gpu(1), two_gpus()), ContainsSubstring("compute capability 8.0") &&
                                                         ContainsSubstring("found cuda:1 with 7.0; there is"));
}

TEST_CASE("a GPU without cuBLAS is refused with what is missing") {
  Gpus found = two_gpus();
  found.lacks = "libcublas.so.13 (apt-get install libcublas-13-0)";
  CHECK_THROWS_WITH(require_gpu(gpu(0), found),
                    "[--device] cuda:0 cannot be used without libcublas.so.13 (apt-get install libcublas-13-0); "
                    "--device cpu computes on the CPU");
}

TEST_CASE("without any GPU the reason is named, and the CPU") {
  Gpus none;
  none.none_because = "no NVIDIA driver is installed";
  CHECK_THROWS_AS(require_gpu(gpu(0), none), Failure);
  CHECK_THROWS_WITH(
      require_gpu(gpu(0), none),
      "[--device] cuda:0 cannot be used: no NVIDIA driver is installed; --device cpu computes on the CPU");
}

}  // namespace devices_test
