/// What a model does in training together with the models of other ranks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "moe/experts/place.hpp"
#include "moe/train/sharded.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/expert_spread.hpp"
#include "multipl_moe/model/run_ranks.hpp"

namespace multipl_moe {

/// A model that may train on several ranks, in slots: sums of gradients whose order does not depend on the number of
/// ranks. Each optimizer state is on one rank, its owner.
template <class Model, class Gradient>
class SharedTraining {
 public:
  using Context = typename Model::Context;

  static void join(Context& context, const RunRanks& ranks) { context.ranks = ranks_of(ranks); }
  /// Spreads the experts of a layer of this configuration.
  template <class Mlp>
  static void place(Mlp& mlp, const ModelConfig& layer, const ExpertSpread& spread) {
    const ExpertPart part = spread.part();
    const moe::Index experts = part.is_of_all() ? 0 : mlp.experts();
    if (experts > 0)
      moe::place(mlp, *ranks_of(*spread.ranks), placement_of(part.placement, layer, experts, part.ranks));
  }
  void begin(const Context& context, const Gradient& gradient) { owners_ = moe::Ownership::of(context, gradient); }
  void use_slots(std::int64_t slots) { slots_.emplace(slots); }
  void end_slot(const Context& context, Gradient& gradient) { slots_->add(context, gradient); }
  void reduce(const Context& context, Gradient& gradient) {
    slots_->take_sum(context, gradient);
    moe::reduce_to_owners(context, owners_, gradient);
  }
  template <class Work>
  void with_owned(const Context& context, Gradient& gradient, const Work& work) const {
    moe::with_owned(context, owners_, gradient, work);
  }
  double norm(const Context& context, const Gradient& gradient) const {
    return moe::global_norm(context, owners_, gradient);
  }
  void share(const Context& context, Model& model) const { moe::share_weights(context, owners_, model); }
  static void update_buffers(const Context& context, Model& model, std::vector<typename Model::Stats>& observed) {
    for (std::size_t l = 0; l < model.layers.size(); ++l) {
      std::vector<typename Model::Stats::value_type> of_layer;
      for (auto& stats : observed) of_layer.push_back(std::move(stats[l]));
      moe::update_buffers(context, model.layers[l].mlp, of_layer);
    }
  }

 private:
  using Backend = typename Model::Backend;
  static std::shared_ptr<moe::Ranks<Backend>> ranks_of(const RunRanks& ranks) {
    auto own = ranks.of<Backend>();
    if (own == nullptr)
      throw Failure("[ranks] the processes must share the memory of the model's device, found another");
    return own;
  }

  moe::Ownership owners_;
  std::optional<moe::SlotCounter<Gradient>> slots_{moe::SlotCounter<Gradient>(1)};
};

}  // namespace multipl_moe
