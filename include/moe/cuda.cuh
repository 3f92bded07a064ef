/// The library on NVIDIA GPUs: everything of moe/moe.hpp but the CPU backend, which the CUDA compiler does not read, and
/// the backend Cuda. For .cu files; link moe::cuda. A program that uses both backends gives each its own source files.
#pragma once

#include "moe/version.hpp"

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
#include "moe/policies/capacity/capacity_factor.hpp"
#include "moe/policies/capacity/segment_capacity.hpp"
#include "moe/policies/capacity/unlimited.hpp"
#include "moe/policies/normalizer/softmax_over_all.hpp"
#include "moe/policies/normalizer/softmax_over_chosen.hpp"
#include "moe/policies/router/capped_expert_choice.hpp"
#include "moe/policies/router/expert_choice.hpp"
#include "moe/policies/router/language_choice.hpp"
#include "moe/policies/router/shared_top_k.hpp"
#include "moe/policies/router/threshold_choice.hpp"
#include "moe/policies/router/top_k.hpp"
#include "moe/policies/segmenter/boundary_window.hpp"
#include "moe/policies/segmenter/fixed_window.hpp"

#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/initialise.hpp"
#include "moe/train/schedule.hpp"
#include "moe/train/upcycle.hpp"
#include "moe/train/walk.hpp"
