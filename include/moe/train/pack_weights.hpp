#pragma once

#include <memory>
#include <type_traits>

#include "moe/core/bfloat16.hpp"
#include "moe/train/walk.hpp"

namespace moe {

/// A context in which products with the weights of `layer` find them packed: y = x W^T then reads each weight once, in
/// order, and a row of infer, forward or decode has the same bits whatever other rows stand beside it, so that decoding
/// equals the whole forward bit for bit.
///
/// Stored is the type in which the copies are kept; void stands for the weights' own. With BFloat16, for layers of
/// float, they take half the memory, which is what decoding waits for, and bits are those of a layer whose weights were
/// rounded to BFloat16: nothing is lost where the weights come from a checkpoint of that type. Sums stay float, and the
/// router's product reads the weights themselves.
///
/// The copies go with the last copy of the context; the layer must stay where it is. After its weights have changed (an
/// optimizer's step), pack again: a product that finds a changed weight throws Error. For backends that have
/// PackedWeights. Throws std::bad_alloc when memory is out.
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
