/// Values for measurements on a GPU or an emulated device.
#pragma once

#include <cstdint>

#include "moe/core/host_device.hpp"
#include "moe/core/index.hpp"
#include "moe/core/view.hpp"

namespace moe_bench {

/// Fills with pseudo-random values in [-size, size), on the device: products are slower on them than on zeros.
template <class Value, class B>
void fill_on_device(const typename B::Context& context, moe::View<Value, B> view, float size, std::uint32_t seed) {
  B::for_each_cell(context, view.rows, view.cols, [=] MOE_ON_DEVICE(moe::Index r, moe::Index c) {
    std::uint64_t bits = (static_cast<std::uint64_t>(r) << 32 | static_cast<std::uint32_t>(c)) + seed;
    bits = (bits ^ bits >> 31) * 0x9E3779B97F4A7C15u;
    bits = (bits ^ bits >> 27) * 0xBF58476D1CE4E5B9u;
    const float uniform = static_cast<float>(bits >> 40) * 0x1p-24f;
    view(r, c) = static_cast<Value>(size * (2 * uniform - 1));
  });
}

}  // namespace moe_bench
