/// What stands in for cuda_subject.cu in a build without the CUDA Toolkit.
#include "bench/gpu_program/subject.hpp"
#include "multipl_moe/cuda/devices.hpp"
#include "multipl_moe/io/errors.hpp"

namespace gpu_program {

Subject cuda_subject(int, int) {
  throw multipl_moe::Failure("[--device] no GPU can be used: " + multipl_moe::gpus().none_because);
}

}  // namespace gpu_program
