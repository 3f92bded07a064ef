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

/// adamw<master>(context, size, pace, key, first, gradient, w, lower, m, v): one step of AdamW (core/adamw_scalars.hpp)
/// on `size` weights and moments stored as described in train/adamw_state.hpp. They are the values of a tensor from
/// position `first` on, a multiple of 64: stochastic rounding draws from `key` by position, so that a tensor gives the
/// same bits in one call and in pieces. Only MasterWeights::split reads `lower`.
template <class B, class Value, MasterWeights master, class Moment>
concept HasAdamw = requires(const typename B::Context& context, Index size, AdamWScalars<Accum<Value>> pace,
                            RandomKey key, Index first, const Accum<Value>* gradient, Value* w, std::uint16_t* lower,
                            Moment* m, Moment* v) {
  { B::template adamw<master>(context, size, pace, key, first, gradient, w, lower, m, v) } -> std::same_as<void>;
};

/// narrow_weights(context, size, w, lower): rounds w to the nearest bfloat16; the lower 16 bits of the previous value
/// are written to `lower`, unless it is null.
template <class B, class Value>
concept HasNarrowWeights = requires(const typename B::Context& context, Index size, Value* w, std::uint16_t* lower) {
  { B::narrow_weights(context, size, w, lower) } -> std::same_as<void>;
};

/// Whether weights of this type can train in less memory: those whose accumulation type is float.
template <class Value>
inline constexpr bool trains_lean = std::same_as<Accum<Value>, float>;

/// HasAdamw for every representation of weights and moments; a layer in double has one. A layer in BFloat16 has some of
/// its weights in float.
template <class B, class Value>
concept HasEveryAdamw = HasAdamw<B, Accum<Value>, MasterWeights::float32, Accum<Value>> &&
    (!trains_lean<Value> ||
     (HasAdamw<B, float, MasterWeights::float32, BFloat16> && HasAdamw<B, Value, MasterWeights::split, float> &&
      HasAdamw<B, Value, MasterWeights::split, BFloat16> && HasAdamw<B, Value, MasterWeights::bfloat16, float> &&
      HasAdamw<B, Value, MasterWeights::bfloat16, BFloat16>));

}  // namespace contract

/// AdamW (train/adamw.hpp), in the precision of the weights and in the forms that need less memory.
template <class B, class Value>
concept OptimizerBackend = contract::HasEveryAdamw<B, Value> &&
    (!contract::trains_lean<Value> || contract::HasNarrowWeights<B, Value>);

namespace contract {

/// Names the missing operation of OptimizerBackend.
template <class B, class Value>
constexpr bool check_optimizer() {
  static_assert(HasEveryAdamw<B, Value>,
                "Backend: adamw<master>(context, size, pace, key, first, gradient, w, lower, m, v) is missing or has "
                "another signature, see moe/backend/contract/optimizer.hpp");
  static_assert(!trains_lean<Value> || HasNarrowWeights<B, Value>,
                "Backend: narrow_weights(context, size, w, lower) is missing or has another signature, see "
                "moe/backend/contract/optimizer.hpp");
  return OptimizerBackend<B, Value>;
}

}  // namespace contract

}  // namespace moe
