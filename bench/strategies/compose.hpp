/// How a strategy of the suite is put together from policies: one line for one's own router.
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

/// What a strategy has beside its policies.
struct Setting {
  /// What its losses weigh in training.
  moe::AuxiliaryGradient losses{.balance = 0.01};
  /// Experts that a row meets, where the strategy fixes it; 0: as many as the suite's sizes say.
  Index choices = 0;
};

/// A policy that lets a row meet as many experts as `sizes` say: its k, or the rows that an expert takes on average.
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

/// A TokenMoE of these policies without a path beside it. A router's k and a SegmentCapacity's factor follow the sizes
/// that the suite runs at; everything else stays as it is given.
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

/// A TokenMoE of a routing module, which `make` makes of the sizes that the suite runs at.
template <class B, class Make>
Strategy<B> module_strategy(std::string name, std::string routing, moe::AuxiliaryGradient losses, Make make) {
  return {std::move(name), std::move(routing), losses,
          [=](const Sizes& sizes) { return SuiteLayer<B>(moe::TokenMoE(make(sizes), bank_of<B>(sizes))); }};
}

/// The same beside a Path that every row takes, built of a width and inner channels. Experts are finer than in the
/// other strategies, and the path is as wide as `shared` of them, which the routed ones are fewer: the parameters, all
/// and active, stay.
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
