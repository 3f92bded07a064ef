#pragma once

namespace moe {

/// The scalars of one AdamW step, which are the same for all weights of a tensor:
///   g = scale gradient;  m = beta_1 m + rest_1 g;  v = beta_2 v + rest_2 g^2
///   w = keep w - rate m / (root sqrt(v) + epsilon)
template <class Real>
struct AdamWScalars {
  /// Factor of the gradient.
  Real scale;
  /// Decay rate of the first moment.
  Real beta_1;
  /// Decay rate of the second moment.
  Real beta_2;
  /// 1 - beta_1, computed before beta_1 is rounded to Real: the difference of 1 and a float near 1 has too few digits.
  Real rest_1;
  /// 1 - beta_2, likewise.
  Real rest_2;
  /// Learning rate divided by the first moment's bias correction.
  Real rate;
  /// 1 / sqrt(the second moment's bias correction).
  Real root;
  /// Added to the square root of the second moment.
  Real epsilon;
  /// Factor of the weight decay: 1 - learning rate * decay, or 1 for a tensor without decay.
  Real keep;
};

}  // namespace moe
