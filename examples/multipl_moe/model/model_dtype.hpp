/// The type in which a model is held in memory and computes.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace multipl_moe {

enum class ModelDtype : std::uint8_t {
  float32,
  /// Weights and activations in bfloat16. Sums, routing, softmax, losses and the gradients of weights are in float32,
  /// and so are the weights of routers and of most fusions and all buffers (is_always_float()).
  bfloat16
};

/// Values of --dtype, in the order of the enum.
inline constexpr std::array<std::string_view, 2> model_dtype_names{"float32", "bfloat16"};

inline std::string_view name_of(ModelDtype dtype) { return model_dtype_names[static_cast<std::size_t>(dtype)]; }
/// The dtype of that name, which must be one of model_dtype_names.
inline ModelDtype model_dtype_named(std::string_view name) {
  return name == name_of(ModelDtype::bfloat16) ? ModelDtype::bfloat16 : ModelDtype::float32;
}

/// Bytes of a weight or an activation.
inline std::int64_t value_bytes_of(ModelDtype dtype) { return dtype == ModelDtype::float32 ? 4 : 2; }

}  // namespace multipl_moe
