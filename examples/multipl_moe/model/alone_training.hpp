/// What stands in for training with other ranks (shared_training.hpp) in a model on a device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "moe/train/clip.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

class RunRanks;

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

}  // namespace multipl_moe
