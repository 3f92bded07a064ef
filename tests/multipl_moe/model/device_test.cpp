#include "multipl_moe/model/device.hpp"

#include <string>

#include "multipl_moe/io/errors.hpp"
#include "support/catch.hpp"

namespace device_test {

using namespace multipl_moe;

TEST_CASE("a device is named by its kind and the number of a GPU") {
  CHECK(device_named("cpu") == Device{});
  CHECK(device_named("cuda") == Device{Device::Kind::cuda, 0});
  CHECK(device_named("cuda:0") == device_named("cuda"));
  CHECK(device_named("cuda:12") == Device{Device::Kind::cuda, 12});
  CHECK_FALSE(device_named("cuda:1") == device_named("cuda"));
  for (const std::string name : {"cpu", "cuda:0", "cuda:7"}) CHECK(name_of(device_named(name)) == name);
}

TEST_CASE("any other name of a device is refused with the names that exist") {
  for (const std::string name : {"", "gpu", "CUDA", "cpu:0", "cuda:", "cuda:-1", "cuda:1x", "cuda: 1", "cuda:+1",
                                 "cuda:1.0", "cuda:99999999999", "cudaa"}) {
    INFO(name);
    CHECK_THROWS_AS(device_named(name), UsageError);
    CHECK_THROWS_WITH(device_named(name), Catch::Matchers::ContainsSubstring("must be cpu, cuda (the first GPU) or "
                                                                             "cuda:N") &&
                                              Catch::Matchers::ContainsSubstring("found '" + name + "'"));
  }
}

}  // namespace device_test
