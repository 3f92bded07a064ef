#include "multipl_moe/architectures/adapters.hpp"

#include <fmt/format.h>

#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

void publish_adapters(MoeConfig& moe) {
  moe.num_segment_experts = 0;
  moe.shared_expert_index = -1;
}

moe::TrainByName trains_adapters(const ModelConfig&) { return {.train = {"*.lora_A.weight", "*.lora_B.weight"}}; }
bool no_constant_gates(const MoeConfig&) { return false; }

void check_start_of_adapters(const ModelConfig& config, const moe::Upcycling& start) {
  if (start.noise_deviation != 0 || start.reinitialized != 0)
    throw UsageError(
        fmt::format("[upcycle] --noise and --reinitialize need an architecture with experts that are copies of the "
                    "dense FFN, found --arch {}",
                    config.moe->architecture));
}

void narrow_nothing(MoeConfig& moe) {
  moe.moe_intermediate_size = 0;
  moe.shared_expert_intermediate_size = 0;
}

}  // namespace multipl_moe
