#include "multipl_moe/io/dtype.hpp"

namespace multipl_moe {

std::string_view dtype_named(std::string_view name) {
  for (const std::string_view dtype : {"F32", "F16", "BF16"})
    if (name_of_dtype(dtype) == name) return dtype;
  return {};
}

std::string_view name_of_dtype(std::string_view dtype) { return dtype == "F64" ? "" : moe::io::name_of_float(dtype); }

}  // namespace multipl_moe
