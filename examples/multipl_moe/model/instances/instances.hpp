/// Each layer type is compiled once, in one of the files beside this one.
#pragma once

#include <cstdint>
#include <memory>

#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/make.hpp"

namespace multipl_moe {

template <class Mlp>
struct InstanceOf {
  static std::unique_ptr<LanguageModel> make(const ModelConfig& config, int threads);
  /// `dense` has `config`'s sizes and no mixture.
  static std::unique_ptr<LanguageModel> upcycle(LanguageModel& dense, const ModelConfig& config, std::uint64_t seed);
};

}  // namespace multipl_moe
