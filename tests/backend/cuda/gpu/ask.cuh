#pragma once

#include <cstddef>
#include <tuple>
#include <utility>

#include "backend/cuda/gpu/ask.hpp"
#include "moe/backend/cuda/cuda.cuh"

namespace moe::testing::gpu_side {

/// Runs composition `index` of List. All calls share one context, as in a user's program.
template <class List>
Answered ask_one_of(int index, const Given& given) {
  // Never destroyed: at the end of the program cuBLAS may be unloaded before it.
  static const CudaContext& context = *new CudaContext;
  Answered answered;
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    static_cast<void>((
        (static_cast<int>(i) == index && (answered = answer_of<std::tuple_element_t<i, List>>(context, given), true)) ||
        ...));
  }
  (std::make_index_sequence<std::tuple_size_v<List>>{});
  return answered;
}

template <template <class, class> class List>
Answered ask_list(KeptAs kept, int index, const Given& given) {
  return kept == KeptAs::float32 ? ask_one_of<List<float, Cuda>>(index, given)
                                 : ask_one_of<List<BFloat16, Cuda>>(index, given);
}

}  // namespace moe::testing::gpu_side
