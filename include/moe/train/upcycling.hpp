#pragma once

#include <cstdint>

namespace moe {

/// Initial values of an upcycled layer: experts are copies of the dense FFN, the router's weights are drawn from
/// N(0, router_deviation^2). Identical copies diverge because they receive different rows and different routing
/// weights. Two settings make experts differ from the start, except the expert that SharedTopK always selects, which
/// stays an exact copy:
///   noise_deviation  N(0, noise_deviation^2) is added to every weight
///   reinitialized    this share of an expert's inner channels is redrawn from a normal distribution with the mean and
///                    standard deviation of the dense FFN's weights of each projection (Drop-Upcycling)
/// A SharedExpert (separate path) has no dense counterpart: its matrices are drawn from N(0, router_deviation^2).
///
/// Without noise and reinitialized channels, the layer's output equals that of the dense FFN up to rounding if the
/// gates of every row sum to 1, no pair is dropped, experts read the rows of x (no PooledInput), and there is no
/// SharedExpert. A HybridMoE also requires a fusion whose scales preserve the sum, such as NormalizedFusion; the
/// segment level's gates may then have any sum.
///
/// All random values depend on `seed` and on the weight's name, which includes `prefix`, only.
struct Upcycling {
  /// Seed of all random values.
  std::uint64_t seed = 0;
  /// Standard deviation of the router's weights.
  double router_deviation = 0.02;
  /// Standard deviation of the noise that is added to every weight; 0: no noise.
  double noise_deviation = 0;
  /// Share of inner channels that are reinitialized, in [0, 1].
  double reinitialized = 0;
};

}  // namespace moe
