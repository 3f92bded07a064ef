#pragma once

namespace moe {

/// The numbers of one AdamW step that all weights of a tensor share:
///   g = scale gradient;  m = beta_1 m + rest_1 g;  v = beta_2 v + rest_2 g^2
///   w = keep w - rate m / (root sqrt(v) + epsilon)
template <class Real>
struct AdamWScalars {
  /// What gradients are multiplied by.
  Real scale;
  /// How much of the first moment stays.
  Real beta_1;
  /// How much of the second moment stays.
  Real beta_2;
  /// 1 - beta_1, of the beta before it was rounded: a float near 1 has too few digits left for the difference.
  Real rest_1;
  /// 1 - beta_2, likewise.
  Real rest_2;
  /// The learning rate over the first moment's bias correction.
  Real rate;
  /// 1 over the root of the second moment's bias correction.
  Real root;
  /// Added to the root of the second moment.
  Real epsilon;
  /// 1 less the decay.
  Real keep;
};

}  // namespace moe
