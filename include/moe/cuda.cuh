/// The library for NVIDIA GPUs: the backend Cuda, and everything in moe/moe.hpp except the CPU backend, which nvcc does
/// not compile. For .cu files; link moe::cuda. A program that uses both backends needs separate source files for each.
#pragma once

#include "moe/core/requirements.hpp"
#include "moe/version.hpp"

#ifndef __CUDACC__
#error "moe/cuda.cuh is for .cu files, which nvcc compiles: include moe/moe.hpp in C++ files"
#elif !defined(__CUDACC_EXTENDED_LAMBDA__)
#error "moe/cuda.cuh passes lambdas to device code: compile with nvcc --extended-lambda"
#elif !defined(MOE_REQUIREMENTS_ARE_MISSING)

#include "moe/backend/cuda/cuda.cuh"
#include "moe/backend/shape/shape.hpp"

#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "moe/layers/presets.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"

#include "moe/experts/glu.hpp"
#include "moe/experts/lora_linear.hpp"
#include "moe/experts/mlp.hpp"
#include "moe/experts/shared_expert.hpp"
#include "moe/fusion/channel_fusion.hpp"
#include "moe/fusion/fixed_fusion.hpp"
#include "moe/fusion/matrix_fusion.hpp"
#include "moe/fusion/normalized_fusion.hpp"
#include "moe/fusion/scalar_fusion.hpp"

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

#include "moe/routing/noisy_top_k.hpp"
#include "moe/routing/routing_module.hpp"

#include "moe/train/adamw.hpp"
#include "moe/train/adamw_state.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/schedule.hpp"
#include "moe/train/split_into_experts.hpp"
#include "moe/train/upcycle.hpp"
#include "moe/train/walk.hpp"

#endif
