/// Steps tensors that are in pinned host memory through slots of device memory, as an optimizer whose state is on the
/// host does. The CUDA compiler can compile this header.
#pragma once

#include <array>
#include <cstring>
#include <vector>

#include "moe/core/host_device.hpp"
#include "moe/core/matrix.hpp"

namespace moe::testing {

/// Adds 1 to every value of `tensors` tensors of `size` values: while one is in work, the next one comes and the one
/// before goes. Returns the number of wrong values.
template <class B>
Index wrong_values_stepped_from_the_host(const typename B::Context& context, Index tensors, Index size) {
  using Device = typename B::Device;
  const std::size_t bytes = static_cast<std::size_t>(size) * sizeof(float);
  typename Device::PinnedMemory host(bytes * static_cast<std::size_t>(tensors));
  for (Index i = 0; i < tensors * size; ++i) {
    const auto value = static_cast<float>(i);
    std::memcpy(host.data() + static_cast<std::size_t>(i) * sizeof(float), &value, sizeof(float));
  }
  std::vector<Matrix<float, B>> slots;
  for (int s = 0; s < 3; ++s) slots.push_back(Matrix<float, B>::uninitialized(context, 1, size));
  const auto slot_of = [&](Index i) -> Matrix<float, B>& { return slots[static_cast<std::size_t>(i % 3)]; };
  const auto place_of = [&](Index i) { return host.data() + static_cast<std::size_t>(i) * bytes; };
  auto in = context.device->copy_lane(), out = context.device->copy_lane();
  if (tensors > 0) in.copy_in(slot_of(0).data(), place_of(0), bytes);
  for (Index i = 0; i < tensors; ++i) {
    in.before_work();
    B::for_each_element(context, size, [x = slot_of(i).data()] MOE_ON_DEVICE(Index at) { x[at] += 1; });
    // The slot of tensor i + 1 is that of i - 2, which must have gone.
    if (i >= 2) out.wait();
    if (i + 1 < tensors) in.copy_in(slot_of(i + 1).data(), place_of(i + 1), bytes);
    out.after_work();
    out.copy_out(place_of(i), slot_of(i).data(), bytes);
  }
  out.wait();
  Index wrong = 0;
  for (Index i = 0; i < tensors * size; ++i) {
    float value;
    std::memcpy(&value, host.data() + static_cast<std::size_t>(i) * sizeof(float), sizeof(float));
    wrong += value != static_cast<float>(i) + 1;
  }
  return wrong;
}

}  // namespace moe::testing
