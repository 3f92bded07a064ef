#pragma once

#include <utility>

#include "moe/core/observation.hpp"
#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe {

/// Observes a model while it lives. Ends whatever observed it before.
class Observed {
 public:
  Observed(LanguageModel& model, moe::Observer observer) : model_(model) { model_.observe(std::move(observer)); }
  ~Observed() { model_.observe({}); }
  Observed(const Observed&) = delete;
  Observed& operator=(const Observed&) = delete;

 private:
  LanguageModel& model_;
};

}  // namespace multipl_moe
