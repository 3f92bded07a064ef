#include "multipl_moe/model/expert_spread.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/layer_work.hpp"
#include "multipl_moe/model/run_ranks.hpp"
#include "multipl_moe/model/tensor_list.hpp"

namespace multipl_moe {

ExpertPlacement placement_named(std::string_view name) {
  const auto found = std::find(placement_names.begin(), placement_names.end(), name);
  if (found == placement_names.end())
    throw UsageError(
        fmt::format("[--placement] must be one of {}, found '{}'", fmt::join(placement_names, ", "), escaped(name)));
  return static_cast<ExpertPlacement>(found - placement_names.begin());
}

ExpertPart ExpertSpread::part() const {
  return ranks ? ExpertPart{placement, ranks->rank(), ranks->size()} : ExpertPart{};
}

moe::Placement placement_of(ExpertPlacement placement, const ModelConfig& layer, moe::Index experts, int ranks) {
  std::vector<moe::Index> on_all;
  if (layer.moe) on_all = work_of(*layer.moe).fixed_experts(*layer.moe);
  return placement == ExpertPlacement::round_robin ? moe::Placement::round_robin(experts, ranks, on_all)
                                                   : moe::Placement::blocks(experts, ranks, on_all);
}

void mark_elsewhere(const ModelConfig& config, std::span<TensorRef> tensors) {
  const auto whole = list_tensors(config);
  for (std::size_t t = 0; t < tensors.size(); ++t) {
    const std::int64_t count = whole.at(t).count();
    if (tensors[t].bytes > 0 || count == 0) continue;
    tensors[t].shape = whole[t].shape;
    tensors[t].bytes =
        static_cast<std::size_t>(count) * (tensors[t].dtype == "F32" ? sizeof(float) : sizeof(moe::BFloat16));
    tensors[t].is_elsewhere = true;
  }
}

}  // namespace multipl_moe
