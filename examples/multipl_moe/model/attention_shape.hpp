/// What all forms of attention share.
#pragma once

#include "moe/core/bfloat16.hpp"
#include "moe/core/index.hpp"
#include "moe/core/matrix.hpp"

namespace multipl_moe {

/// Query heads share key-value heads in groups of heads / kv_heads; queries are scaled by 1 / sqrt(head_dim). A query
/// attends to itself and to the window - 1 tokens before it, or to all before it if window is 0.
struct AttentionShape {
  moe::Index heads = 1;
  moe::Index kv_heads = 1;
  moe::Index head_dim = 1;
  moe::Index window = 0;
};

/// The output of attention and, for backward, the log of each row's sum of exponentials.
template <class Value, class B>
struct AttentionOutput {
  moe::Matrix<Value, B> o_TA;
  moe::Matrix<moe::Accum<Value>, B> lse_TH;
};

template <class Value, class B>
struct AttentionGradient {
  moe::Matrix<Value, B> d_q_TA, d_k_TC, d_v_TC;
};

}  // namespace multipl_moe
