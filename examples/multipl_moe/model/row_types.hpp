/// Types that the operations on rows share on all backends.
#pragma once

#include <algorithm>
#include <type_traits>

#include "moe/core/bfloat16.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"

namespace multipl_moe {

/// Whether values of this type are widened for computation.
template <class Value>
inline constexpr bool is_widened = !std::is_same_v<Value, moe::Accum<Value>>;

/// The cached keys and values of one sequence, [rows, width] each. Token t lies in row t, or in row t mod window with a
/// window above 0, which then holds the last `window` tokens. `length` counts the tokens, the newest included.
template <class Value>
struct CachedTokens {
  Value *k, *v;
  moe::Index width, length, window;

  /// The first token that the newest attends to.
  MOE_HOST_DEVICE moe::Index begin() const { return window > 0 && length > window ? length - window : 0; }
  MOE_HOST_DEVICE moe::Index row(moe::Index token) const { return window > 0 ? token % window : token; }
  /// The row of the token after that of a row.
  MOE_HOST_DEVICE moe::Index next(moe::Index row) const { return row + 1 == window ? 0 : row + 1; }
  MOE_HOST_DEVICE Value* key(moe::Index token) const { return k + row(token) * width; }
  MOE_HOST_DEVICE Value* value(moe::Index token) const { return v + row(token) * width; }
};

}  // namespace multipl_moe
