#pragma once

#include <concepts>
#include <cstdint>

#include "moe/core/adamw_pace.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/master_weights.hpp"
#include "moe/core/random.hpp"

namespace moe {

namespace contract {

/// adamw(context, size, pace, gradient, w, m, v): one step of AdamW, see core/adamw_pace.hpp.
template <class B, class Value>
concept HasAdamw = requires(const typename B::Context& context, Index size, AdamWPace<Wide<Value>> pace,
                            const Wide<Value>* gradient, Wide<Value>* w, Wide<Value>* m, Wide<Value>* v) {
  { B::adamw(context, size, pace, gradient, w, m, v) } -> std::same_as<void>;
};

/// adamw<master>(context, size, pace, key, gradient, w, lower, m, v): the same in less memory, see
/// train/adamw_memory.hpp; what is rounded by chance is rounded by `key`.
template <class B, class Value, MasterWeights master, class Moment>
concept HasLeanAdamw = requires(const typename B::Context& context, Index size, AdamWPace<float> pace, RandomKey key,
                                const float* gradient, Value* w, std::uint16_t* lower, Moment* m, Moment* v) {
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
inline constexpr bool trains_lean = std::same_as<Wide<Value>, float>;

/// HasLeanAdamw for every way of keeping weights and moments.
template <class B, class Value>
concept HasEveryLeanAdamw =
    !trains_lean<Value> ||
    ((!std::same_as<Value, float> || (HasLeanAdamw<B, Value, MasterWeights::float32, float> &&
                                      HasLeanAdamw<B, Value, MasterWeights::float32, BFloat16>)) &&
     HasLeanAdamw<B, Value, MasterWeights::split, float> && HasLeanAdamw<B, Value, MasterWeights::split, BFloat16> &&
     HasLeanAdamw<B, Value, MasterWeights::bfloat16, float> &&
     HasLeanAdamw<B, Value, MasterWeights::bfloat16, BFloat16>);

}  // namespace contract

/// AdamW (train/adamw.hpp), in the precision of the weights and in less memory.
template <class B, class Value>
concept OptimizerBackend = contract::HasAdamw<B, Value> && contract::HasEveryLeanAdamw<B, Value> &&
    (!contract::trains_lean<Value> || contract::HasNarrowWeights<B, Value>);

namespace contract {

/// Names what is missing of OptimizerBackend.
template <class B, class Value>
constexpr bool check_optimizer() {
  static_assert(HasAdamw<B, Value>,
                "Backend: adamw(context, size, pace, gradient, w, m, v) is missing or has another signature, see "
                "moe/backend/contract/optimizer.hpp");
  static_assert(HasEveryLeanAdamw<B, Value>,
                "Backend: adamw<master>(context, size, pace, key, gradient, w, lower, m, v) is missing or has another "
                "signature, see moe/backend/contract/optimizer.hpp");
  static_assert(!trains_lean<Value> || HasNarrowWeights<B, Value>,
                "Backend: narrow_weights(context, size, w, lower) is missing or has another signature, see "
                "moe/backend/contract/optimizer.hpp");
  return OptimizerBackend<B, Value>;
}

}  // namespace contract

}  // namespace moe
