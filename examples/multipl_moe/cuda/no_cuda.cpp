/// What stands in for the other files of this folder in a build without the CUDA Toolkit.
#include "multipl_moe/cuda/devices.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/cuda_model.hpp"

namespace multipl_moe {

Gpus gpus() {
  Gpus none;
  none.none_because =
      "the program was built without the CUDA Toolkit (install version 12.8 or newer with nvcc, and build again with "
      "-DMOE_CUDA=ON)";
  return none;
}

std::string find_free_memory(Gpu&) { return gpus().none_because; }

std::unique_ptr<LanguageModel> make_cuda_model(const ModelConfig&, int, int, const ExpertSpread&) {
  throw Failure("[--device] no GPU can be used: " + gpus().none_because);
}

}  // namespace multipl_moe
