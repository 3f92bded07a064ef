#pragma once

namespace moe {

/// Which operand of a product is read transposed.
enum class Product { plain, left_transposed, right_transposed };

}  // namespace moe
