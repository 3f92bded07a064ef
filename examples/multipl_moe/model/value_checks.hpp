/// Checks of values before they are stored in fewer bits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "multipl_moe/model/tensor_ref.hpp"

namespace multipl_moe {

/// Throws UsageError if a finite value would become infinite in bfloat16. `first` is the index of the first value in
/// the tensor; `flag` is the setting that keeps the value.
void require_bfloat16(const std::string& name, std::span<const std::int64_t> shape, std::span<const float> values,
                      std::size_t first, std::string_view flag);
/// The same for a tensor in F32, wherever it is stored.
void require_bfloat16(const TensorRef& tensor, std::string_view flag);

/// Throws UsageError if a value is not finite, which 8 bits cannot store.
void require_finite(const std::string& name, std::span<const std::int64_t> shape, std::span<const float> values);

}  // namespace multipl_moe
