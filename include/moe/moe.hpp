/// READ THIS FIRST. What a layer does with T rows of width D, and which type owns each line:
///
///   TokenMoE::forward(context, x_TD, batch)                             layers/token_moe.hpp
///     logits_TE = x_TD gate^T                                           Linear          modules/linear.hpp
///     chosen_TE = who works on each row: 0, or the order of choice      Router          policies/router/
///     gates_TE  = how much each chosen expert counts                    GateNormalizer  policies/normalizer/
///     at most r rows for an expert; what is over may be dropped         Capacity        policies/capacity/
///     plan      = the pairs (row, expert), sorted by expert             Plan            core/plan.hpp
///     x_ND      = the rows of x each expert reads; y_ND = its answers   ExpertBank      modules/expert_bank.hpp
///     y_TD      = for each row, its answers times their gates, summed   mix             ops/mix.hpp
///     y_TD     += what a path adds that every row takes                 SigmoidGatedFfn modules/always_on.hpp
///     losses    = N sum_i f_i p_i, and the z-loss, reported in stats    Balance         policies/balance/
///   SegmentMoE::forward: the same, but one choice for a window of rows  layers/segment_moe.hpp
///     segments  = each sequence cut into windows                        Segmenter       policies/segmenter/
///     u_VD      = each window summed up: its mean, or its maxima        Pooling         policies/pooling/
///                 its own, or that of the window before                 SegmentSource   modules/segment_source.hpp
///     gate, router and normalizer see u_VD; the experts see the rows
///   HybridMoE::forward: both over the same x, joined by a Fusion        layers/hybrid_moe.hpp, modules/fusion/
///   LoraFfn::forward: a dense FFN, whose projections have adapters      layers/lora_ffn.hpp
///     plan      = the pairs (row, adapter), by what the batch says      LanguageChoice  policies/router/
///     a, b, y_TD += s B A x, for each of a row's adapters               LowRank         modules/low_rank.hpp
///   an observer in the context is told every decision                   Observation     core/observation.hpp
///   a listener in the context is told which part begins                 Phase           core/phase.hpp
///
/// forward returns {output, saved, stats}; backward consumes `saved` and adds into a gradient that has the layer's own
/// type. Letters in names are shapes: T rows (tokens), V segments, E experts, D width, F inner channels, N pairs.
#pragma once

#include "moe/core/requirements.hpp"
#include "moe/version.hpp"

#ifdef __NVCC__
#error "moe/moe.hpp has the CPU's backend, which the CUDA compiler does not read: include moe/cuda.cuh in .cu files"
#elif !defined(MOE_REQUIREMENTS_ARE_MISSING)

#include "moe/core/adamw_pace.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/misuse.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/product.hpp"
#include "moe/core/random.hpp"
#include "moe/core/require.hpp"
#include "moe/core/row.hpp"
#include "moe/core/row_context.hpp"
#include "moe/core/segments.hpp"
#include "moe/core/team.hpp"
#include "moe/core/view.hpp"

#include "moe/concepts/always_on.hpp"
#include "moe/concepts/backend.hpp"
#include "moe/concepts/balance.hpp"
#include "moe/concepts/capacity.hpp"
#include "moe/concepts/expert.hpp"
#include "moe/concepts/fusion.hpp"
#include "moe/concepts/gate_normalizer.hpp"
#include "moe/concepts/level.hpp"
#include "moe/concepts/module.hpp"
#include "moe/concepts/pooling.hpp"
#include "moe/concepts/router.hpp"
#include "moe/concepts/segment_source.hpp"
#include "moe/concepts/segmenter.hpp"

#include "moe/policies/balance/balance_over_all.hpp"
#include "moe/policies/balance/balance_over_routed.hpp"
#include "moe/policies/balance/gate_sparsity.hpp"
#include "moe/policies/balance/sequence_balance.hpp"
#include "moe/policies/capacity/capacity_factor.hpp"
#include "moe/policies/capacity/even_share.hpp"
#include "moe/policies/capacity/segment_capacity.hpp"
#include "moe/policies/capacity/unlimited.hpp"
#include "moe/policies/normalizer/relu_gates.hpp"
#include "moe/policies/normalizer/sigmoid_over_chosen.hpp"
#include "moe/policies/normalizer/softmax_over_all.hpp"
#include "moe/policies/normalizer/softmax_over_chosen.hpp"
#include "moe/policies/normalizer/unit_gates.hpp"
#include "moe/policies/pooling/max_pool.hpp"
#include "moe/policies/pooling/mean_pool.hpp"
#include "moe/policies/router/alike_rows.hpp"
#include "moe/policies/router/balanced_assignment.hpp"
#include "moe/policies/router/best_scores.hpp"
#include "moe/policies/router/biased_top_k.hpp"
#include "moe/policies/router/capped_expert_choice.hpp"
#include "moe/policies/router/expert_choice.hpp"
#include "moe/policies/router/expert_groups.hpp"
#include "moe/policies/router/group_limited_top_k.hpp"
#include "moe/policies/router/gshard_choice.hpp"
#include "moe/policies/router/hash_choice.hpp"
#include "moe/policies/router/jittered.hpp"
#include "moe/policies/router/language_choice.hpp"
#include "moe/policies/router/positive_choice.hpp"
#include "moe/policies/router/priced_top_k.hpp"
#include "moe/policies/router/quantile_choice.hpp"
#include "moe/policies/router/random_choice.hpp"
#include "moe/policies/router/shared_top_k.hpp"
#include "moe/policies/router/sinkhorn_choice.hpp"
#include "moe/policies/router/threshold_choice.hpp"
#include "moe/policies/router/top_k.hpp"
#include "moe/policies/segmenter/boundary_window.hpp"
#include "moe/policies/segmenter/fixed_window.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/cpu/eigen_gemm.hpp"
#include "moe/backend/shape/shape.hpp"

#include "moe/ops/add.hpp"
#include "moe/ops/balance_loss.hpp"
#include "moe/ops/dispatch.hpp"
#include "moe/ops/drop.hpp"
#include "moe/ops/jitter.hpp"
#include "moe/ops/late_loss.hpp"
#include "moe/ops/mix.hpp"
#include "moe/ops/normalize.hpp"
#include "moe/ops/report.hpp"
#include "moe/ops/route.hpp"
#include "moe/ops/scale.hpp"
#include "moe/ops/segment.hpp"
#include "moe/ops/upload_indices.hpp"
#include "moe/ops/weight_list.hpp"
#include "moe/ops/z_loss.hpp"

#include "moe/modules/always_on.hpp"
#include "moe/modules/expert_bank.hpp"
#include "moe/modules/fusion/channel_fusion.hpp"
#include "moe/modules/fusion/fixed_fusion.hpp"
#include "moe/modules/fusion/matrix_fusion.hpp"
#include "moe/modules/fusion/normalised_fusion.hpp"
#include "moe/modules/fusion/scalar_fusion.hpp"
#include "moe/modules/gating.hpp"
#include "moe/modules/linear.hpp"
#include "moe/modules/lora_linear.hpp"
#include "moe/modules/low_rank.hpp"
#include "moe/modules/segment_source.hpp"
#include "moe/modules/swiglu.hpp"
#include "moe/modules/ungated_ffn.hpp"

#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "moe/layers/presets.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"

#include "moe/train/adamw.hpp"
#include "moe/train/adamw_memory.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/initialise.hpp"
#include "moe/train/pack_weights.hpp"
#include "moe/train/schedule.hpp"
#include "moe/train/split_into_adapters.hpp"
#include "moe/train/split_into_experts.hpp"
#include "moe/train/upcycle.hpp"
#include "moe/train/walk.hpp"

#endif
