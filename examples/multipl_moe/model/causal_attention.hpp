/// The form of attention that a backend computes with.
#pragma once

#include <type_traits>

#include "multipl_moe/model/block_attention.hpp"
#ifndef __CUDACC__
#include "multipl_moe/model/tiled_attention.hpp"
#endif

namespace multipl_moe {

template <class Value, class B>
class TiledAttention;

/// Both forms have attend() and gradient().
template <class Value, class B>
using CausalAttention = std::conditional_t<B::is_host, TiledAttention<Value, B>, BlockAttention<Value, B>>;

}  // namespace multipl_moe
