// A custom router: no base class, no registration. The router selects the experts of a row, and the gate normalizer
// computes their weights. The rest of the layer is the same as with the library's own routers.
//
// Expected output:
//   threshold 0.10: 3.625 experts per row
//   threshold 0.30: 1.250 experts per row
//   threshold 0.90: 1.000 experts per row
#include <cmath>
#include <cstdio>
#include <moe/moe.hpp>
#include <vector>

/// Selects every expert whose probability exceeds `threshold`, and always the best one.
struct ThresholdRouter {
  float threshold = 0.2f;

  template <class Real>
  MOE_HOST_DEVICE void choose(moe::Row<const Real> logits_E, moe::Row<moe::ChoiceOrder> chosen_E) const {
    const Real best = max(logits_E), total = sum_exp(logits_E, best);
    for (moe::Index e = 0; e < logits_E.size; ++e)
      chosen_E[e] = logits_E[e] == best || std::exp(logits_E[e] - best) > static_cast<Real>(threshold) * total;
  }
};

int main() {
  const moe::CpuContext context;
  using Experts = moe::ExpertBank<moe::SwiGlu<float, moe::Cpu<>>>;

  // Eight rows. The gate's weight is the identity, so the rows are the logits.
  std::vector<float> x_TD;
  for (int t = 0; t < 8; ++t)
    for (int e = 0; e < 4; ++e) x_TD.push_back(static_cast<float>((3 * t + 5 * e) % 8) / 4);

  for (const float threshold : {0.1f, 0.3f, 0.9f}) {
    moe::TokenMoE layer(ThresholdRouter{threshold}, moe::SoftmaxOverChosen{}, moe::Unlimited{}, Experts(4, 4, 16));
    for (moe::Index e = 0; e < 4; ++e) layer.routing.gate.weight.view()(e, e) = 1;

    const auto run = layer.forward(context, {x_TD.data(), 8, 4}, moe::Batch::single(8));
    double pairs = 0;
    for (const moe::Index rows : run.stats.load) pairs += static_cast<double>(rows);
    std::printf("threshold %.2f: %.3f experts per row\n", static_cast<double>(threshold), pairs / 8);
  }
}
