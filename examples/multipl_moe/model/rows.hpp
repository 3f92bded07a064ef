/// The operations of a language model on rows, beside matrix products: RowOperations<Value, Backend>. Both forms,
/// HostRows and DeviceRows, have the same functions. `Real` is the accumulation type of Value: sums, scales, losses and
/// angles are not rounded to Value, every result of type Value is rounded once.
///
///   rms_norm(context, x_TD, w_1D, epsilon, y_TD, scale_1T)
///       scale = 1 / sqrt(mean(x^2) + epsilon) of each row, y = x scale w
///   add_rms_norm_gradient(context, d_y_TD, x_TD, scale_1T, w_1D, d_x_TD, d_w_1D)
///       with n = x scale: d_x += scale (d_y w - n mean(d_y w n)), d_w += sum over rows of d_y n; an empty d_w is
///       skipped
///   turn(context, x_TC, table_PC, position_1T, direction)
///       rotates every head of row t by row position_1T(0, t) of the table: channel i with channel i + half, by the
///       cosine in column i and the sine in column i + half. The table is as wide as a head. direction: 1, or -1 for
///       the inverse
///   add(context, from_TD, to_TD)                      to += from
///   copy(context, from_TD, to_TD)                     to = from
///   take(context, table_VD, tokens_T, x_TD)           x_t = table[tokens_t], for any table of rows
///   add_by_token(context, d_x_TD, tokens_T, d_w_VD)   d_w[tokens_t] += d_x_t, in the order of t
///   loss_gradient(context, logits_RV, target_1R, share, loss_1R) -> d_logits_RV
///       loss = -log softmax(logits)[target] in double, d_logits = share (softmax(logits) - [target]); consumes logits
///   score(context, logits_RV, target_1R, loss_1R, hit_1R)
///       the same loss, and 1 if the target is the most probable token (ties: the lowest id), else 0; may overwrite the
///       logits
///   decode(context, q_BA, k_BC, v_BC, cached, kv_heads, o_BA)
///       stores the row of k and of v of each sequence as its newest token; o = softmax(q k^T / sqrt(head_dim)) v over
///       the cached tokens of the sequence
#pragma once

#include <type_traits>

#include "multipl_moe/model/rows_device.hpp"
#ifndef __CUDACC__
#include "multipl_moe/model/rows_host.hpp"
#endif

namespace multipl_moe {

template <class Value, class B>
struct HostRows;

/// The form for the backend.
template <class Value, class B>
using RowOperations = std::conditional_t<B::is_host, HostRows<Value, B>, DeviceRows<Value, B>>;

}  // namespace multipl_moe
