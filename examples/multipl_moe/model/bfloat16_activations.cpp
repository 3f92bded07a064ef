#include "multipl_moe/model/activations.hpp"

#include "multipl_moe/model/all_activations.hpp"

namespace multipl_moe {

void add_activations(moe::Registry<moe::BFloat16, moe::Cpu<>>& registry) { add_all_activations(registry); }

}  // namespace multipl_moe
