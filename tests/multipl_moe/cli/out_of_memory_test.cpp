#include "multipl_moe/cli/out_of_memory.hpp"

#include "moe/backend/cuda/out_of_memory.cuh"
#include "support/catch.hpp"

namespace out_of_memory_test {

using namespace multipl_moe;
using Catch::Matchers::ContainsSubstring;
using Catch::Matchers::StartsWith;

TEST_CASE("the message of a command without enough memory names the memory and what needs less", "[memory]") {
  const std::string of_gpu = out_of_memory_text(moe::DeviceOutOfMemory(3u << 30, 1u << 30, 2ull << 33));
  CHECK_THAT(of_gpu, StartsWith("[--device] ") &&
                         ContainsSubstring("3.00 GiB were requested, found 1.00 GiB of 16.00 GiB free") &&
                         ContainsSubstring("--gradient-checkpointing") && ContainsSubstring("--resume"));
  const std::string pinned = out_of_memory_text(moe::PinnedOutOfMemory(3u << 30));
  CHECK_THAT(pinned, StartsWith("[--device] ") && ContainsSubstring("3.00 GiB of it were requested") &&
                         ContainsSubstring("--optimizer-state device"));
  const std::string of_host = out_of_memory_text(std::bad_alloc());
  CHECK_THAT(of_host, StartsWith("out of memory of the machine") && ContainsSubstring("--batch-size"));
  for (const std::string& text : {of_gpu, pinned, of_host}) CHECK_THAT(text, !ContainsSubstring("Cuda"));
}

}  // namespace out_of_memory_test
