/// Runs a composition of composition_list.hpp on a backend.
#pragma once

#include <tuple>
#include <utility>

#include "support/device_check.hpp"

namespace moe::testing {

/// Every composition on a backend, in the order of AnyCompositions::all().
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

}  // namespace moe::testing
