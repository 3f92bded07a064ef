#pragma once

#include <initializer_list>
#include <iterator>
#include <vector>

#include "moe/core/index.hpp"

namespace moe {

/// A non-owning view of a short list in host memory, for the duration of one call. As a parameter it accepts a vector,
/// a pointer and a size, or a braced list, without an allocation.
template <class T>
struct ListView {
  /// The first value.
  const T* data = nullptr;
  /// Number of values.
  Index size = 0;

  ListView() = default;
  /// A pointer and a number of values.
  ListView(const T* data_, Index size_) : data(data_), size(size_) {}
  /// A vector's values; valid while the vector exists and is not resized.
  ListView(const std::vector<T>& values) : ListView(values.data(), static_cast<Index>(values.size())) {}
  /// Valid until the end of the full expression that contains the braces.
  ListView(std::initializer_list<T> values) : ListView(std::data(values), static_cast<Index>(values.size())) {}

  const T& operator[](Index i) const { return data[i]; }
  const T* begin() const { return data; }
  const T* end() const { return data + size; }
};

}  // namespace moe
