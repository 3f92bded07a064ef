#include "multipl_moe/model/value_checks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"

namespace multipl_moe {

void require_bfloat16(const std::string& name, std::span<const std::int64_t> shape, std::span<const float> values,
                      std::size_t first, std::string_view flag) {
  const std::size_t at = first_too_large("BF16", values);
  if (at == values.size()) return;
  throw UsageError(
      fmt::format("[bfloat16] '{}' must have values of at most {} to become bfloat16, found {} at {}: "
                  "it would become infinite; {} keeps it",
                  name, largest_of("BF16"), values[at], place_in(shape, first + at), flag));
}

void require_bfloat16(const TensorRef& tensor, std::string_view flag) {
  tensor.for_each_piece([&](std::size_t first, std::span<const std::byte> bytes) {
    require_bfloat16(tensor.name, tensor.shape, as_floats(bytes), first / sizeof(float), flag);
  });
}

void require_finite(const std::string& name, std::span<const std::int64_t> shape, std::span<const float> values) {
  const auto wrong = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
  if (wrong == values.end()) return;
  throw UsageError(
      fmt::format("[int8] '{}' must have finite values to be stored in 8 bits, found {} at {}; "
                  "--weights float32 keeps it",
                  name, *wrong, place_in(shape, static_cast<std::size_t>(wrong - values.begin()))));
}

}  // namespace multipl_moe
