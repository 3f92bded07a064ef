#pragma once

#include <utility>

#include "moe/core/observation.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// Adds an observer to a model for its lifetime; the model's previous observer is still called.
class Observed {
 public:
  Observed(LanguageModel& model, moe::Observer observer) : model_(model), before_(model.observe({})) {
    model_.observe([this, added = std::move(observer)](const moe::Observation& seen) {
      if (before_) before_(seen);
      added(seen);
    });
  }
  ~Observed() { model_.observe(std::move(before_)); }
  Observed(const Observed&) = delete;
  Observed& operator=(const Observed&) = delete;

 private:
  LanguageModel& model_;
  moe::Observer before_;
};

}  // namespace multipl_moe
