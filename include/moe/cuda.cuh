/// The library on NVIDIA GPUs: everything of moe/moe.hpp but the CPU backend, which the CUDA compiler does not read,
/// and the backend Cuda. For .cu files; link moe::cuda. A program that uses both backends gives each its own source
/// files.
#pragma once

#include "moe/core/requirements.hpp"
#include "moe/version.hpp"

#ifndef __CUDACC__
#error "moe/cuda.cuh is for .cu files, which nvcc compiles: include moe/moe.hpp in C++ files"
#elif !defined(__CUDACC_EXTENDED_LAMBDA__)
#error "moe/cuda.cuh hands lambdas to the device: compile with nvcc --extended-lambda"
#elif !defined(MOE_REQUIREMENTS_ARE_MISSING)

#include "moe/backend/cuda/cuda.cuh"
#include "moe/backend/shape/shape.hpp"

#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "moe/layers/presets.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"

#include "moe/modules/fusion/channel_fusion.hpp"
#include "moe/modules/fusion/fixed_fusion.hpp"
#include "moe/modules/fusion/matrix_fusion.hpp"
#include "moe/modules/fusion/normalised_fusion.hpp"
#include "moe/modules/fusion/scalar_fusion.hpp"
#include "moe/modules/lora_linear.hpp"

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

#include "moe/train/adamw.hpp"
#include "moe/train/adamw_memory.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/initialise.hpp"
#include "moe/train/schedule.hpp"
#include "moe/train/split_into_experts.hpp"
#include "moe/train/upcycle.hpp"
#include "moe/train/walk.hpp"

#endif
