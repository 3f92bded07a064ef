/// READ THIS FIRST. The data flow of a layer over T rows (tokens) of width D, and the type that implements each step:
///
///   TokenMoE::forward(context, x_TD, batch)                             layers/token_moe.hpp
///     logits_TE = x_TD gate^T                                           Linear          ops/linear.hpp
///     chosen_TE = choice order (0: not selected, 1: first choice, ...)  Router          routing/router/
///     r         = number of rows that each expert selects (expert
///                 choice), or keeps before the overflow is dropped
///                 (token choice)                                        Capacity        routing/capacity/
///     gates_TE  = routing weight of each selected expert                GateNormalizer  routing/normalizer/
///     route     = pairs (row, expert) with weights, sorted by expert    Route           ops/route.hpp
///     x_ND      = the row of x of each pair (dispatch)                  moe_ffn         experts/moe_ffn.hpp
///     y_ND      = the experts' outputs for x_ND                         ExpertBank      experts/expert_bank.hpp
///     y_TD      = gate-weighted sum of each row's outputs (combine)     moe_ffn         experts/moe_ffn.hpp
///     y_TD     += output of the shared expert, applied to all rows      SharedExpert    experts/shared_expert.hpp
///     losses    = balance loss n sum_i f_i p_i over the n counted
///                 experts (f: share of the pairs, p: mean probability)
///                 and z-loss, in stats                                  Balance         routing/balance/
///   SegmentMoE::forward: as TokenMoE, with one decision per segment     layers/segment_moe.hpp
///     segments  = each sequence cut into windows of rows                Segmenter       routing/segmenter/
///     pooled_VD = mean or maximum of each segment's rows                Pooling         routing/pooling/
///     u_VD      = pooled_VD of the same or of the previous segment      SegmentSource   routing/source/
///     gate, router and normalizer read u_VD; experts read rows of x
///   HybridMoE::forward: both levels over one x, joined by a Fusion      layers/hybrid_moe.hpp, fusion/
///   LoraFfn::forward: a dense FFN with LoRA adapters                    layers/lora_ffn.hpp
///     plan      = pairs (row, adapter), such as by the row's language   LanguageChoice  routing/router/
///     each projection W x becomes W x + the sum of s B A x over the
///     row's adapters (s: scale; A, B: LoRA factors)                     LoraAdapter     experts/lora_adapter.hpp
///   context.observer is called with every routing decision              Observation     core/observation.hpp
///   context.replay replaces the routers' choices by recorded ones       RoutingReplay   core/routing_replay.hpp
///   context.phases is called where each phase begins and ends           Phase           core/phase.hpp
///   context.ranks share the experts: rows travel to them and back       Exchange        comm/exchange.hpp
///
/// forward returns {output, saved, stats}; backward consumes `saved` and adds into a gradient tree of the layer's own
/// type. Suffixes of names are shapes: T rows (tokens), V segments, E experts, D width, F hidden width, N pairs.
///
/// "eq. 1" to "eq. 8" in comments are equations of the paper "MultiPL-MoE: Multi-Programming-Lingual Extension of Large
/// Language Models through Hybrid Mixture-of-Experts" (Findings of EMNLP 2025), unless another paper is named.
/// docs/01_shapes_and_names.md lists them in the library's letters.
#pragma once

#include "moe/core/requirements.hpp"
#include "moe/version.hpp"

#ifdef __NVCC__
#error "moe/moe.hpp includes the CPU backend, which nvcc does not compile: include moe/cuda.cuh in .cu files"
#elif !defined(MOE_REQUIREMENTS_ARE_MISSING)

#include "moe/core/activation.hpp"
#include "moe/core/adamw_scalars.hpp"
#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/observation.hpp"
#include "moe/core/observed.hpp"
#include "moe/core/phase.hpp"
#include "moe/core/plan.hpp"
#include "moe/core/product.hpp"
#include "moe/core/random.hpp"
#include "moe/core/ranks.hpp"
#include "moe/core/require.hpp"
#include "moe/core/routing_bytes.hpp"
#include "moe/core/routing_record.hpp"
#include "moe/core/routing_recorder.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/core/row.hpp"
#include "moe/core/row_context.hpp"
#include "moe/core/segments.hpp"
#include "moe/core/team.hpp"
#include "moe/core/train_infer.hpp"
#include "moe/core/view.hpp"

#include "moe/backend/contract/backend.hpp"
#include "moe/core/module.hpp"
#include "moe/experts/expert.hpp"
#include "moe/experts/shared_path.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/layers/level.hpp"
#include "moe/routing/balance/balance.hpp"
#include "moe/routing/capacity/capacity.hpp"
#include "moe/routing/normalizer/gate_normalizer.hpp"
#include "moe/routing/pooling/pooling.hpp"
#include "moe/routing/router/router.hpp"
#include "moe/routing/segmenter/segmenter.hpp"
#include "moe/routing/source/segment_source.hpp"

#include "moe/routing/balance/balance_over_all.hpp"
#include "moe/routing/balance/balance_over_routed.hpp"
#include "moe/routing/balance/gate_sparsity.hpp"
#include "moe/routing/balance/sequence_balance.hpp"
#include "moe/routing/capacity/capacity_factor.hpp"
#include "moe/routing/capacity/even_share.hpp"
#include "moe/routing/capacity/segment_capacity.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/relu_gates.hpp"
#include "moe/routing/normalizer/sigmoid_over_chosen.hpp"
#include "moe/routing/normalizer/softmax_over_all.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/normalizer/unit_gates.hpp"
#include "moe/routing/pooling/max_pool.hpp"
#include "moe/routing/pooling/mean_pool.hpp"
#include "moe/routing/router/balanced_assignment.hpp"
#include "moe/routing/router/best_scores.hpp"
#include "moe/routing/router/biased_top_k.hpp"
#include "moe/routing/router/capped_expert_choice.hpp"
#include "moe/routing/router/expert_choice.hpp"
#include "moe/routing/router/expert_groups.hpp"
#include "moe/routing/router/group_limited_top_k.hpp"
#include "moe/routing/router/gshard_choice.hpp"
#include "moe/routing/router/hash_choice.hpp"
#include "moe/routing/router/identical_rows.hpp"
#include "moe/routing/router/jittered.hpp"
#include "moe/routing/router/language_choice.hpp"
#include "moe/routing/router/priced_top_k.hpp"
#include "moe/routing/router/quantile_choice.hpp"
#include "moe/routing/router/random_choice.hpp"
#include "moe/routing/router/relu_router.hpp"
#include "moe/routing/router/shared_top_k.hpp"
#include "moe/routing/router/sinkhorn_choice.hpp"
#include "moe/routing/router/threshold_choice.hpp"
#include "moe/routing/router/top_k.hpp"
#include "moe/routing/segmenter/boundary_window.hpp"
#include "moe/routing/segmenter/fixed_window.hpp"
#include "moe/routing/segmenter/syntax_window.hpp"

#include "moe/backend/cpu/cpu.hpp"
#include "moe/backend/cpu/eigen_gemm.hpp"
#include "moe/backend/shape/shape.hpp"

#include "moe/experts/moe_ffn.hpp"
#include "moe/experts/weight_list.hpp"
#include "moe/ops/add.hpp"
#include "moe/ops/dispatch.hpp"
#include "moe/ops/scale.hpp"
#include "moe/ops/upload_indices.hpp"
#include "moe/routing/steps/balance_loss.hpp"
#include "moe/routing/steps/choose.hpp"
#include "moe/routing/steps/deferred_loss.hpp"
#include "moe/routing/steps/drop.hpp"
#include "moe/routing/steps/jitter.hpp"
#include "moe/routing/steps/noisy_logits.hpp"
#include "moe/routing/steps/normalize.hpp"
#include "moe/routing/steps/report.hpp"
#include "moe/routing/steps/segment.hpp"
#include "moe/routing/steps/variation_loss.hpp"
#include "moe/routing/steps/z_loss.hpp"

#include "moe/comm/comm.hpp"
#include "moe/comm/errors.hpp"
#include "moe/comm/exchange.hpp"
#include "moe/comm/local_comm.hpp"
#include "moe/comm/placement.hpp"
#include "moe/comm/ranks.hpp"
#include "moe/comm/ranks_over.hpp"

#include "moe/experts/as_layer.hpp"
#include "moe/experts/biases.hpp"
#include "moe/experts/channels.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/experts/glu.hpp"
#include "moe/experts/lora_adapter.hpp"
#include "moe/experts/lora_linear.hpp"
#include "moe/experts/mlp.hpp"
#include "moe/experts/place.hpp"
#include "moe/experts/shared_expert.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/fusion/channel_fusion.hpp"
#include "moe/fusion/fixed_fusion.hpp"
#include "moe/fusion/matrix_fusion.hpp"
#include "moe/fusion/normalized_fusion.hpp"
#include "moe/fusion/scalar_fusion.hpp"
#include "moe/ops/linear.hpp"
#include "moe/routing/gating.hpp"
#include "moe/routing/noisy_top_k.hpp"
#include "moe/routing/routing_module.hpp"
#include "moe/routing/source/segment_sources.hpp"

#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "moe/layers/presets.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"

#include "moe/train/adamw.hpp"
#include "moe/train/adamw_state.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/pack_weights.hpp"
#include "moe/train/schedule.hpp"
#include "moe/train/sharded.hpp"
#include "moe/train/snapshot.hpp"
#include "moe/train/split_into_adapters.hpp"
#include "moe/train/split_into_experts.hpp"
#include "moe/train/upcycle.hpp"
#include "moe/train/upcycling.hpp"
#include "moe/train/walk.hpp"

#endif
