/// What the CUDA backend decides and computes, on a device that needs no GPU.
#include "moe/backend/cuda/accelerator.cuh"

#include "support/device_check.hpp"
#include "support/emulated_device.hpp"

using namespace moe;
using namespace moe::testing;

namespace {

/// Every composition on a backend, in the order of AllOnCpu.
template <class Value, class B>
using AllOn = decltype(std::tuple_cat(
    std::declval<on::TokenCompositions<Value, B>>(), std::declval<on::SegmentCompositions<Value, B>>(),
    std::declval<on::HybridCompositions<Value, B>>(), std::declval<on::SeparateCompositions<Value, B>>()));

template <class Value, class B>
Answered ask(int composition, const Given& given) {
  Answered answered;
  [&]<std::size_t... i>(std::index_sequence<i...>) {
    const auto one = [&]<std::size_t n>() {
      const typename B::Context context;
      answered = answer_of<std::tuple_element_t<n, AllOn<Value, B>>>(context, given);
      return true;
    };
    static_cast<void>(((static_cast<int>(i) == composition && one.template operator()<i>()) || ...));
  }
  (std::make_index_sequence<std::tuple_size_v<AllOn<Value, B>>>{});
  return answered;
}

}  // namespace

TEST_CASE("an emulated device answers as the reference does", "[accelerator][conformance]") {
  check_compositions<double, double>("accelerator", ask<double, Emulated>, conformance_cases / 100);
}

TEST_CASE("an emulated device has the gradients of the CPU", "[accelerator][gradient]") {
  check_gradients<double>(ask<double, Emulated>, 1e-12);
}
