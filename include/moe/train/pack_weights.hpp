#pragma once

#include <memory>

#include "moe/train/walk.hpp"

namespace moe {

/// A context in which products with the weights of `layer` find them packed: y = x W^T then reads each weight once, in
/// order, and a row of infer, forward or decode has the same bits whatever other rows stand beside it, so that decoding
/// equals the whole forward bit for bit. The copies take as much memory as the weights and go with the last copy of the
/// context; the layer must stay where it is. After its weights have changed (an optimizer's step), pack again: a product
/// that finds a changed weight throws Error. For backends that have PackedWeights. Throws std::bad_alloc when memory is
/// out.
template <class Layer>
typename Layer::Context pack_weights(const typename Layer::Context& context, const Layer& layer) {
  const auto packed = std::make_shared<typename Layer::Backend::PackedWeights>();
  for_each_tensor(
      [&](const auto& weight) {
        if (weight.rank == 2) packed->add(context, weight.view());
      },
      layer);
  typename Layer::Context with_packed = context;
  with_packed.packed = packed;
  return with_packed;
}

}  // namespace moe
