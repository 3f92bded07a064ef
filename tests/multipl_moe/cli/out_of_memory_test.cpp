#include "multipl_moe/cli/out_of_memory.hpp"

#include "moe/backend/cuda/out_of_memory.cuh"
#include "support/catch.hpp"

namespace out_of_memory_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TEST_CASE("the message of a command without enough memory names the memory and what needs less", "[memory]") {
  const std::string of_gpu = out_of_memory_text(moe::DeviceOutOfMemory(4096, 100, 8000));
  CHECK_THAT(of_gpu, StartsWith("[--device] ") &&
                         ContainsSubstring("4096 bytes were requested, 100 of 8000 are free") &&
                         ContainsSubstring("--gradient-checkpointing") && ContainsSubstring("--resume"));
  const std::string pinned = out_of_memory_text(moe::PinnedOutOfMemory(4096));
  CHECK_THAT(pinned, StartsWith("[--optimizer-state] ") && ContainsSubstring("4096 bytes") &&
                         ContainsSubstring("--optimizer-state device"));
  const std::string of_host = out_of_memory_text(std::bad_alloc());
  CHECK_THAT(of_host, StartsWith("out of memory") && ContainsSubstring("--batch-size"));
  for (const std::string& text : {of_gpu, pinned, of_host}) CHECK_THAT(text, !ContainsSubstring("Cuda"));
}

}  // namespace out_of_memory_test
