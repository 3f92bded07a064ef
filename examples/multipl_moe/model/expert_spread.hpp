/// Experts that are spread over the processes that train a model: which process has which.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "moe/comm/placement.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/tensor_ref.hpp"

namespace multipl_moe {

class RunRanks;

/// Where the experts of each layer are. Those that process every token are in every process.
enum class ExpertPlacement : std::uint8_t {
  everywhere,  ///< every process has all experts
  blocks,      ///< consecutive experts in consecutive processes
  round_robin  ///< the next expert in the next process
};
inline constexpr std::array<std::string_view, 3> placement_names{"everywhere", "blocks", "round-robin"};
inline std::string_view name_of(ExpertPlacement placement) {
  return placement_names[static_cast<std::size_t>(placement)];
}
/// Throws UsageError for a name that is not one of placement_names.
ExpertPlacement placement_named(std::string_view name);

/// The experts that one of several processes has.
struct ExpertPart {
  ExpertPlacement placement = ExpertPlacement::everywhere;
  int rank = 0, ranks = 1;

  bool is_of_all() const { return placement == ExpertPlacement::everywhere || ranks == 1; }
};

/// The processes over which a model's experts are spread; all of them make the model together.
struct ExpertSpread {
  ExpertPlacement placement = ExpertPlacement::everywhere;
  std::shared_ptr<const RunRanks> ranks{};  ///< null: one process

  ExpertPart part() const;
};

/// For the `experts` experts, more than 0, of a layer of this configuration.
moe::Placement placement_of(ExpertPlacement placement, const ModelConfig& layer, moe::Index experts, int ranks);

/// Gives the tensors of a model whose experts are spread, in the order of list_tensors(), the shapes that they have in
/// the process that has their values, and marks those that are elsewhere.
void mark_elsewhere(const ModelConfig& config, std::span<TensorRef> tensors);

}  // namespace multipl_moe
