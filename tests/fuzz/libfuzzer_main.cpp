/// Passes libFuzzer's bytes to the one target that is linked with this file. An exception of the target ends the
/// process, and libFuzzer stores the bytes.
#include <cstddef>
#include <cstdint>

#include "fuzz/target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  multipl_moe::fuzz::targets().front().takes({reinterpret_cast<const char*>(data), size});
  return 0;
}
