#include "multipl_moe/io/transformers_family.hpp"

namespace multipl_moe {

const TransformersFamily* find_family(std::string_view model_type) {
  for (const TransformersFamily* family : transformers_families())
    if (family->model_type == model_type) return family;
  return nullptr;
}

const TransformersFamily* find_family_of(const ModelConfig& config) {
  for (const TransformersFamily* family : transformers_families())
    if (family->holds(config)) return family;
  return nullptr;
}

}  // namespace multipl_moe
