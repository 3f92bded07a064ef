/// Copies matrices between the host and the emulated device, for the tests of its operations.
#pragma once

#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "support/emulated_device.hpp"

namespace moe::testing {

/// The context that all tests of a file share.
inline const Emulated::Context& context() {
  static const Emulated::Context shared;
  return shared;
}

template <class Value>
Matrix<Value, Emulated> sent(const Matrix<Value, Cpu<>>& from) {
  auto to = Matrix<Value, Emulated>::uninitialized(context(), from.rows(), from.cols());
  Emulated::upload(context(), from.data(), to.view());
  return to;
}
template <class Value>
std::vector<Value> fetched(View<const Value, Emulated> from) {
  std::vector<Value> values(static_cast<std::size_t>(from.size()));
  Emulated::download(context(), from, values.data());
  return values;
}
template <class Value>
std::vector<Value> fetched(const Matrix<Value, Emulated>& from) {
  return fetched(from.view());
}
template <class Value>
std::vector<Value> listed(const Matrix<Value, Cpu<>>& from) {
  return {from.data(), from.data() + from.size()};
}

}  // namespace moe::testing
