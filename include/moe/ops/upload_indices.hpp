#pragma once

#include "moe/backend/contract/backend.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"

namespace moe {

/// Copies host indices to the memory of the backend, as a matrix of one row.
template <Backend B>
Matrix<Index, B> upload_indices(const typename B::Context& context, ListView<Index> indices) {
  auto result = Matrix<Index, B>::uninitialized(context, 1, indices.size);
  B::upload(context, indices.data, result.view());
  return result;
}

}  // namespace moe
