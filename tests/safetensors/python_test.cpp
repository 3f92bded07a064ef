/// Files that Python's package safetensors reads and writes.
#ifdef MOE_PYTHON_WITH_SAFETENSORS

#include <cstdlib>
#include <string>

#include "moe/safetensors.hpp"
#include "safetensors/layers.hpp"
#include "support/catch.hpp"
#include "support/scratch.hpp"

namespace python_test {

using namespace moe;
using namespace moe::testing;

TEMPLATE_TEST_CASE("Python reads a saved layer, and a layer is loaded from a file that Python has written",
                   "[safetensors]", float, double) {
  const ScratchFolder folder;
  const auto layer = filled(biased_layer<TestType>());
  save(folder / "ours.safetensors", layer);
  const std::string command = std::string("'") + MOE_PYTHON_WITH_SAFETENSORS + "' '" + MOE_PYTHON_SCRIPT + "' '" +
                              (folder / "ours.safetensors").native() + "' '" +
                              (folder / "theirs.safetensors").native() + "' > '" + (folder / "list").native() + "'";
  REQUIRE(std::system(command.c_str()) == 0);
  const std::string dtype = sizeof(TestType) == 8 ? "float64" : "float32";
  const auto ours = io::SafetensorsFile::open(folder / "ours.safetensors");
  std::string expected;
  for (const auto& [name, tensor] : ours.entries()) {
    expected += name + " " + dtype;
    for (const std::int64_t size : tensor.shape) expected += " " + std::to_string(size);
    expected += "\n";
  }
  CHECK(get_bytes(folder / "list") == expected);
  auto back = filled(biased_layer<TestType>(), 1);
  load(folder / "theirs.safetensors", back);
  CHECK(bytes_in(back) == bytes_in(layer));
}

}  // namespace python_test

#endif
