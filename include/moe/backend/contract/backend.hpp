#pragma once

#include <concepts>

#include "moe/core/view.hpp"

namespace moe {

// clang-format off
/// Where matrices live and who works on them. A backend is a folder: its memory (Buffer), what a run carries (Context:
/// threads or stream, memory pool, the layer's number) and the verbs that ops/, routing/ and experts/ are written in. HostBuffer is for
/// short lists that the host makes for one call, from the context's pool too. Lists that a verb reads are ListViews.
/// Where values are kept in a narrow type, what is computed with them is Wide (core/bfloat16.hpp): gates, logits, sums.
///
///   for_each(context, count, f)            f(i) for i in [0, count), in any order; what f(i) writes nobody else does
///   for_each_element(context, count, f)    the same for an f of a few operations
///   for_each_cell(context, rows, cols, f)  f(row, col) for every cell, an f of a few operations
///   for_each_row(context, rows, f)         f(row, team) for every row; Team (core/team.hpp) shares the work on one
///   for_each_on_host(context, count, f)    f(i) for i in [0, count) on the host, in any order, on the threads that the
///                                          context has there: for an f that costs much, such as drawing initial values
///   row_products(context, x_RD, w_ED, y_RE)
///                                          y = x w^T, each row by itself in an order that no other row changes; its
///                                          backward: add_row_products_back (d_x += d_y w), add_row_weight_gradient
///                                          (d_w += d_y^T x)
///   grouped_product(context, x_ND, w_FD per group, offsets, y_NF)
///                                          y = x w^T, group by group
///   add_grouped_product_back(context, d_y_NF, w_FD per group, offsets, d_x_ND)
///                                          d_x += d_y w
///   grouped_weight_gradient(context, d_y_NF, x_ND, offsets, d_w_FD per group)
///                                          d_w += d_y^T x, an empty d_w skipped
///   add_column_sums(context, x_RD, y_1D)   y += sum of x's rows, in a fixed order
///   sum_of_squares(context, x)             in double, in a fixed order
///   grouped_glu(context, activation, x_ND, gate_FD per group, up_FD per group, offsets, a_NF, b_NF, h_NF)
///                                          a = x gate^T, b = x up^T, h = activation(a) b (core/activation.hpp); empty a
///                                          and b are not kept
///   grouped_glu_back(context, activation, d_y_ND, down_DF per group, offsets, gates_1N, a_NF, b_NF, h_NF, d_gates_1N)
///                                          d_h = gate d_y down; a becomes d_a, b becomes d_b, gate h is made once more,
///                                          d_gate = <d_y down, h>; empty gates: all 1; empty b: all 1
///   grouped_glu_input_gradient(context, d_a_NF, gate_FD per group, d_b_NF, up_FD per group, offsets, d_x_ND)
///                                          d_x = d_a gate + d_b up
///   glu(context, activation, a_NF, b_NF, h_NF)
///                                          h = activation(a) b, where a and b are sums of products; h may be a; empty
///                                          b: all 1
///   glu_back(context, activation, a_NF, b_NF, d_h_NF)
///                                          a becomes d_a, b becomes d_b, d_h becomes h
///   adamw(context, size, pace, gradient, w, m, v)
///                                          one step of AdamW, see core/adamw_pace.hpp
///   adamw<master>(context, size, pace, key, gradient, w, lower, m, v)
///                                          the same in less memory, see train/adamw_memory.hpp; begins with
///                                          narrow_weights(context, size, w, lower)
///   gather_rows, combine_rows, sum_rows                          see experts/moe_ffn.hpp
///   segment_means, add_segment_means_back, segment_maxima        see routing/pooling/
///   top_rows(context, scores_RE, take, chosen_RE, boundary_1E)   see routing/router/expert_choice.hpp
///   drop_over(context, take, chosen_RE, dropped_1E)              see routing/steps/drop.hpp
///   group_by_expert(context, chosen_RE)    the pairs (row, expert) sorted by expert, see core/plan.hpp
///                                          in two steps, between which work may be enqueued while the loads travel to
///                                          the host: begin_grouping(context, chosen_RE, foreseen) -> Grouping, and
///                                          finish_grouping(context, chosen_RE, grouping) -> Plan. begin_grouping may
///                                          be told what is foreseen of loads; then the plan need not be complete
///   upload, download                       between host values and a view of this backend
///   download_later(context, view) -> Later
///                                          values on their way to the host: wait() is where they are
///
/// A backend without arithmetic (shape/) has memory and Context only, enough to build modules and count them, and says
/// `has_arithmetic = false`.
// clang-format on
template <class B>
concept Backend = requires {
  typename B::Context;
  typename B::template Buffer<float>;
  { B::is_host } -> std::convertible_to<bool>;
};

/// Whether a backend computes, or only has shapes.
template <class B>
inline constexpr bool computes = !requires {
  requires !B::has_arithmetic;
};

}  // namespace moe
