/// Functions that make a strategy of the suite from policies: one line for a custom router.
#pragma once

#include <algorithm>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>

#include "bench/strategies/strategy.hpp"
#include "moe/experts/shared_expert.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/routing/balance/balance_over_all.hpp"
#include "moe/routing/capacity/segment_capacity.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/router/router.hpp"

namespace moe_bench {

template <class B>
using SuiteExpert = moe::SwiGlu<float, B>;
template <class B>
using SuiteLayer = moe::AnyLayer<float, B>;

/// Settings of a strategy besides its policies.
struct Setting {
  /// Weights of its auxiliary losses in training.
  moe::AuxiliaryGradient losses{.balance = 0.01};
  /// Experts per row, if the strategy fixes the number; 0: the number in the suite's sizes.
  Index choices = 0;
};

/// Fits a policy to the experts per row in `sizes`: its k, or the capacity factor of experts that choose rows.
template <class P>
P fitted(P policy, const Sizes& sizes) {
  if constexpr (requires { policy.train; }) policy.train = fitted(policy.train, sizes);
  if constexpr (requires { policy.infer; }) policy.infer = fitted(policy.infer, sizes);
  if constexpr (requires { policy.k; }) policy.k = sizes.chosen;
  if constexpr (std::is_same_v<P, moe::SegmentCapacity>) policy.factor = static_cast<double>(sizes.chosen);
  return policy;
}

template <class B>
moe::ExpertBank<SuiteExpert<B>> bank_of(const Sizes& sizes) {
  return moe::ExpertBank<SuiteExpert<B>>(sizes.experts, sizes.width, sizes.hidden);
}

/// A TokenMoE of these policies without a shared expert. A router's k and a SegmentCapacity's factor are set from the
/// suite's sizes; everything else stays as given.
template <class B, class R, class N, class C, class Bal = moe::BalanceOverAll>
Strategy<B> token_strategy(std::string name, std::string routing, R router, N normalizer, C capacity,
                           Setting setting = {}, Bal balance = {}) {
  return {
      std::move(name), std::move(routing), setting.losses, [=](const Sizes& given) {
        const Sizes sizes = setting.choices > 0 ? given.with_choices(setting.choices) : given;
        return SuiteLayer<B>(moe::TokenMoE<R, N, C, SuiteExpert<B>, moe::NoSharedExpert, Bal>(
            fitted(router, sizes), normalizer, fitted(capacity, sizes), bank_of<B>(sizes), {}, fitted(balance, sizes)));
      }};
}

/// A TokenMoE of a routing module, which `make` makes from the suite's sizes.
template <class B, class Make>
Strategy<B> module_strategy(std::string name, std::string routing, moe::AuxiliaryGradient losses, Make make) {
  return {std::move(name), std::move(routing), losses,
          [=](const Sizes& sizes) { return SuiteLayer<B>(moe::TokenMoE(make(sizes), bank_of<B>(sizes))); }};
}

/// A TokenMoE of these policies with a Path that processes every row, constructed from a width and inner channels.
/// Experts are finer than in the other strategies. The path is as wide as `shared` of them and replaces as many routed
/// experts, so total and active parameters stay the same.
template <class Path, class B, class R, class N, class Bal = moe::BalanceOverAll>
Strategy<B> shared_strategy(std::string name, std::string routing, R router, N normalizer,
                            moe::AuxiliaryGradient losses, Bal balance = {},
                            std::type_identity_t<std::function<void(const Sizes&, R&)>> arrange = {}) {
  return {std::move(name), std::move(routing), losses, [=](const Sizes& given) {
            constexpr Index shared = 2;
            Sizes sizes = given.finer();
            Path path(sizes.width, shared * sizes.hidden);
            sizes.chosen -= shared;
            sizes.experts = std::max(sizes.experts - shared, sizes.chosen);
            R fitting = fitted(router, sizes);
            if (arrange) arrange(sizes, fitting);
            return SuiteLayer<B>(moe::TokenMoE<R, N, moe::Unlimited, SuiteExpert<B>, Path, Bal>(
                fitting, normalizer, moe::Unlimited{}, bank_of<B>(sizes), std::move(path), fitted(balance, sizes)));
          }};
}

}  // namespace moe_bench
