#include "multipl_moe/cli/hardware_errors.hpp"

#include "moe/backend/cuda/errors.cuh"
#include "support/catch.hpp"

namespace hardware_errors_test {

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

TEST_CASE("the message of a command whose GPU failed gives CUDA's reason and says how to go on", "[cli][device]") {
  const std::string text = device_error_text(
      moe::DeviceError("[CudaContext::wait] cudaErrorIllegalAddress: an illegal memory access was encountered"));
  CHECK_THAT(
      text,
      StartsWith("[--device] ") &&
          ContainsSubstring("found the error cudaErrorIllegalAddress: an illegal memory access was encountered; ") &&
          ContainsSubstring("--resume") && ContainsSubstring("nvidia-smi") && !ContainsSubstring("CudaContext"));
  // A message without a place stays whole.
  CHECK_THAT(device_error_text(moe::DeviceError("no GPU")), ContainsSubstring("found the error no GPU; "));
}

}  // namespace hardware_errors_test
