#pragma once

namespace moe {

/// One policy for training and another for inference: a router or a capacity.
template <class Train, class Infer>
struct TrainInfer {
  /// Used by forward.
  Train train{};
  /// Used by infer, prefill and decode; the layer's traits (is_causal, ...) describe this one.
  Infer infer{};
};

/// The training form and the inference form of a policy. Both are the policy itself unless it is a TrainInfer.
template <class Policy>
struct FormsOf {
  /// The form in training.
  using Train = Policy;
  /// The form in inference.
  using Infer = Policy;
  /// The policy that forward uses.
  static const Policy& train(const Policy& policy) { return policy; }
  /// The policy that infer, prefill and decode use.
  static const Policy& infer(const Policy& policy) { return policy; }
};
template <class InTraining, class InInference>
struct FormsOf<TrainInfer<InTraining, InInference>> {
  using Train = InTraining;
  using Infer = InInference;
  static const InTraining& train(const TrainInfer<InTraining, InInference>& policy) { return policy.train; }
  static const InInference& infer(const TrainInfer<InTraining, InInference>& policy) { return policy.infer; }
};

}  // namespace moe
