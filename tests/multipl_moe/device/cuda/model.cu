/// Instantiates the model's operations for a GPU: compiled, never run (tests/compile/CMakeLists.txt).
#include <moe/cuda.cuh>
#include <moe/layers/presets.hpp>

#include "multipl_moe/model/transformer.hpp"

namespace multipl_moe {

template struct DeviceRows<float, moe::Cuda>;
template struct DeviceRows<moe::BFloat16, moe::Cuda>;
template class BlockAttention<float, moe::Cuda>;
template class BlockAttention<moe::BFloat16, moe::Cuda>;

/// A step of training and one of decoding of a dense model.
void run(const moe::Cuda::Context& context, Transformer<moe::SwiGlu<moe::BFloat16, moe::Cuda>>& model,
         Transformer<moe::SwiGlu<float, moe::Cuda>>& gradient, const std::vector<std::int32_t>& tokens,
         const moe::Batch& batch) {
  const CrossEntropy<moe::BFloat16, moe::Cuda> loss_of;
  auto forward = model.forward(context, tokens, batch, ActivationCheckpointing::on);
  const auto [loss, d_h_TD] =
      loss_of.loss_and_gradient(context, model.head(), forward.output, tokens, 1, gradient.head());
  model.backward(context, d_h_TD, {}, tokens, batch, std::move(forward.saved), gradient);
  static_cast<void>(loss_of.score(context, model.head(), model.infer(context, tokens, batch), tokens));
  auto state = model.begin_decoding(context, batch.count());
  static_cast<void>(model.prefill(context, tokens, batch, state));
  static_cast<void>(model.decode(context, tokens, {}, state));
  state.keep(context, {0});
}

}  // namespace multipl_moe
