/// What a model does in training together with the models of other ranks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/train/clip.hpp"
#include "moe/train/sharded.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/run_ranks.hpp"

namespace multipl_moe {

/// A model on a device, which trains alone.
template <class Model, class Gradient>
class AloneTraining {
 public:
  using Context = typename Model::Context;

  static void join(Context&, const RunRanks&) {
    throw UsageError("[--device] several processes train on the CPU, found a model on a GPU");
  }
  static void begin(const Context&, const Gradient&) {}
  static void use_slots(std::int64_t slots) {
    if (slots > 1)
      throw UsageError("[--gradient-slots] must be 1 for a model on a GPU, found " + std::to_string(slots));
  }
  static void end_slot(const Context&, Gradient&) {}
  static void reduce(const Context&, Gradient&) {}
  template <class Work>
  static void with_owned(const Context&, Gradient&, const Work& work) {
    work();
  }
  static double norm(const Context& context, const Gradient& gradient) { return moe::global_norm(context, gradient); }
  static void share(const Context&, Model&) {}
  static void update_buffers(const Context& context, Model& model, std::vector<typename Model::Stats>& observed) {
    for (const auto& stats : observed) model.update_buffers(context, stats);
  }
};

/// A model on the CPU, which may train on several ranks, in slots: sums of gradients whose order does not depend on the
/// number of ranks. Each optimizer state is on one rank, its owner.
template <class Model, class Gradient>
class SharedTraining {
 public:
  using Context = typename Model::Context;

  static void join(Context& context, const RunRanks& ranks) { context.ranks = ranks.library(); }
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
  moe::Ownership owners_;
  std::optional<moe::SlotCounter<Gradient>> slots_{moe::SlotCounter<Gradient>(1)};
};

template <class Model, class Gradient>
using TrainingOf = std::conditional_t<std::is_same_v<typename Model::Backend, RunRanks::Backend>,
                                      SharedTraining<Model, Gradient>, AloneTraining<Model, Gradient>>;

}  // namespace multipl_moe
