#pragma once

#include <memory>
#include <type_traits>

#include "moe/core/bfloat16.hpp"
#include "moe/core/int8_groups.hpp"
#include "moe/train/walk.hpp"

namespace moe {

/// Returns a context with packed copies of the weights of `layer`: a product y = x W^T then reads each weight once, in
/// order, and the output of a row in infer, forward or decode is bitwise independent of the other rows of the batch, so
/// that decoding is bitwise identical to the whole forward.
///
/// Stored is the value type of the copies; void means the weights' own type. With BFloat16, for layers of float, the
/// copies take half the memory, and so half the memory traffic, which bounds the speed of decoding. The result is
/// bitwise identical to that of a layer whose weights were rounded to BFloat16; for weights from a BFloat16 checkpoint
/// this is exact. With Int8Groups, for layers of float, they take 0.27 times the memory, and the result is bitwise
/// identical to that of a layer whose weights were rounded as Int8Groups says. In both cases sums and activations stay
/// in float, and the router's product reads the original weights.
///
/// The copies are freed with the last copy of the context; the layer must not move. After its weights have changed (an
/// optimizer's step), pack again: a product that detects a changed weight throws Error. Only for backends that have
/// PackedWeights. Throws std::bad_alloc if memory runs out, Error if Stored is Int8Groups and a weight is not finite.
template <class Stored = void, class Layer>
typename Layer::Context pack_weights(const typename Layer::Context& context, const Layer& layer) {
  const auto packed = std::make_shared<typename Layer::Backend::PackedWeights>();
  for_each_tensor(
      [&](const auto& weight) {
        using Value = typename std::remove_cvref_t<decltype(weight)>::Value;
        if (weight.rank == 2)
          packed->template add<std::conditional_t<std::is_void_v<Stored>, Value, Stored>>(context, weight.view());
      },
      layer);
  typename Layer::Context with_packed = context;
  with_packed.packed = packed;
  return with_packed;
}

}  // namespace moe
