#pragma once

#include <type_traits>

namespace moe::detail {

/// Never true, but not known before a template is used: for overloads that exist to say what is wrong with a call.
template <class...>
inline constexpr bool never = false;

/// Stands where an overload that never runs has to return something.
struct Nothing {
  template <class Anything>
  operator Anything() const;
};

/// What is wrong with a call of Layer::backward that passes `saved` as a Saved and the gradient as a Gradient. A
/// layer's catch-all overload of backward asks; it sees only calls that do not fit the real one.
template <class Layer, class Saved, class Gradient>
constexpr Nothing explain_backward() {
  using GivenSaved = std::remove_reference_t<Saved>;
  static_assert(std::is_same_v<std::remove_const_t<GivenSaved>, typename Layer::Saved>,
                "backward: 4th argument must be the `saved` that this layer's own forward returned");
  static_assert(!std::is_const_v<GivenSaved>,
                "backward: `saved` is const and cannot be consumed; take forward's result by auto, not by const auto");
  static_assert(!std::is_lvalue_reference_v<Saved>, "backward: `saved` is consumed; pass it as std::move(saved)");
  static_assert(
      std::is_same_v<Gradient, Layer&>,
      "backward: 5th argument must be a gradient of this layer's own type, such as gradient_for(layer) makes");
  return {};
}

/// Why a layer cannot be copied.
template <class Layer>
constexpr Nothing explain_copy() {
  static_assert(never<Layer>,
                "a layer does not copy; std::move it, or copy weight by weight with for_each_parameter and .copy()");
  return {};
}

/// Why a layer whose is_causal is false cannot decode.
template <class Unknown>
constexpr Nothing explain_decode() {
  static_assert(
      never<Unknown>,
      "decode: later rows take part in this layer's choices (is_causal is false), so it needs whole sequences");
  return {};
}

}  // namespace moe::detail
