#pragma once

#include <concepts>
#include <cstdint>

#include "moe/core/adamw_scalars.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/master_weights.hpp"
#include "moe/core/random.hpp"

namespace moe {

namespace contract {

/// adamw<master>(context, size, pace, key, gradient, w, lower, m, v): one step of AdamW, see core/adamw_scalars.hpp, on
/// weights and moments kept as train/adamw_state.hpp says; what is rounded by chance is rounded by `key`, and only
/// MasterWeights::split reads `lower`.
template <class B, class Value, MasterWeights master, class Moment>
concept HasAdamw = requires(const typename B::Context& context, Index size, AdamWScalars<Accum<Value>> pace,
                            RandomKey key, const Accum<Value>* gradient, Value* w, std::uint16_t* lower, Moment* m,
                            Moment* v) {
  { B::template adamw<master>(context, size, pace, key, gradient, w, lower, m, v) } -> std::same_as<void>;
};

/// narrow_weights(context, size, w, lower): w becomes the bfloat16 nearest to it; the lower half of what it was goes to
/// `lower`, unless that is null.
template <class B, class Value>
concept HasNarrowWeights = requires(const typename B::Context& context, Index size, Value* w, std::uint16_t* lower) {
  { B::narrow_weights(context, size, w, lower) } -> std::same_as<void>;
};

/// Whether weights of this type can train in less memory: those that are computed with as float.
template <class Value>
inline constexpr bool trains_lean = std::same_as<Accum<Value>, float>;

/// HasAdamw for every way of keeping weights and moments: of a layer in double there is one. A layer in BFloat16 keeps
/// some of its weights in float.
template <class B, class Value>
concept HasEveryAdamw = HasAdamw<B, Accum<Value>, MasterWeights::float32, Accum<Value>> &&
    (!trains_lean<Value> ||
     (HasAdamw<B, float, MasterWeights::float32, BFloat16> && HasAdamw<B, Value, MasterWeights::split, float> &&
      HasAdamw<B, Value, MasterWeights::split, BFloat16> && HasAdamw<B, Value, MasterWeights::bfloat16, float> &&
      HasAdamw<B, Value, MasterWeights::bfloat16, BFloat16>));

}  // namespace contract

/// AdamW (train/adamw.hpp), in the precision of the weights and in less memory.
template <class B, class Value>
concept OptimizerBackend = contract::HasEveryAdamw<B, Value> &&
    (!contract::trains_lean<Value> || contract::HasNarrowWeights<B, Value>);

namespace contract {

/// Names what is missing of OptimizerBackend.
template <class B, class Value>
constexpr bool check_optimizer() {
  static_assert(HasEveryAdamw<B, Value>,
                "Backend: adamw<master>(context, size, pace, key, gradient, w, lower, m, v) is missing or has another "
                "signature, see moe/backend/contract/optimizer.hpp");
  static_assert(!trains_lean<Value> || HasNarrowWeights<B, Value>,
                "Backend: narrow_weights(context, size, w, lower) is missing or has another signature, see "
                "moe/backend/contract/optimizer.hpp");
  return OptimizerBackend<B, Value>;
}

}  // namespace contract

}  // namespace moe
