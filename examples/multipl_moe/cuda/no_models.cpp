/// What stands in for cuda_model.cu in a build without the CUDA Toolkit.
#include "multipl_moe/cuda/cuda_model.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

std::unique_ptr<LanguageModel> make_cuda_model(const ModelConfig&, int, int) {
  throw Failure(
      "[--device] the program must be built with the CUDA Toolkit to compute on a GPU, found a build without it; "
      "install the toolkit and build again, or use --device cpu");
}

}  // namespace multipl_moe
