#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <ostream>
#include <string_view>

#include "moe/core/counted.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/require.hpp"
#include "moe/core/view.hpp"

namespace moe {

namespace detail {

/// "TokenMoE::forward": the `where` of errors from a layer's public function.
class EntryName {
 public:
  constexpr EntryName(std::string_view layer, std::string_view entry) {
    for (const std::string_view part : {layer, std::string_view("::"), entry})
      for (const char c : part) text_[size_++] = c;
  }
  constexpr operator std::string_view() const { return {text_, size_}; }

 private:
  char text_[64] = {};
  std::size_t size_ = 0;
};

}  // namespace detail

// Argument checks of the public functions of all layers.

/// Throws Error unless x has `width` columns and points to its values. `reader` ("the gate expects") is part of the
/// message.
template <class Value, class B>
void require_rows(std::string_view where, View<Value, B> x_TD, std::string_view reader, Index width) {
  require(x_TD.cols == width, where, "x has ", counted(x_TD.cols, "columns"), ", ", reader, " ", width);
  require(x_TD.rows >= 0 && (x_TD.data != nullptr || x_TD.size() == 0), where,
          "x must point to its rows, got a null pointer for ", x_TD.rows, " x ", x_TD.cols);
}

namespace detail {

/// Prints as "1, 2 and 3".
template <std::size_t count>
struct Listed {
  std::array<double, count> values;

  friend std::ostream& operator<<(std::ostream& out, const Listed& list) {
    for (std::size_t i = 0; i < count; ++i) out << (i == 0 ? "" : i + 1 == count ? " and " : ", ") << list.values[i];
    return out;
  }
};

}  // namespace detail

/// Throws Error unless d_y has the shape of forward's x and points to its values, and all gradients of the layer's
/// auxiliary losses are finite.
template <class Value, class B, class LossGradients = AuxiliaryGradient>
void require_output_gradient(std::string_view where, View<const Value, B> d_y_TD, View<const Value, B> x_TD,
                             const LossGradients& d_losses = {}) {
  require(d_y_TD.rows == x_TD.rows && d_y_TD.cols == x_TD.cols, where, "d_y is ", d_y_TD.rows, " x ", d_y_TD.cols,
          ", x was ", x_TD.rows, " x ", x_TD.cols);
  require(d_y_TD.data != nullptr || d_y_TD.size() == 0, where, "d_y must point to its rows, got a null pointer for ",
          d_y_TD.rows, " x ", d_y_TD.cols);
  const auto values = d_losses.values();
  require(std::all_of(values.begin(), values.end(), [](double value) { return std::isfinite(value); }), where,
          "gradients of auxiliary losses must be finite, got ", detail::Listed<values.size()>{values});
}

}  // namespace moe
