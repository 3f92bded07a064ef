#pragma once

#include <string>
#include <utility>
#include <vector>

#include "moe/backend/contract/backend.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/fusion/fusion.hpp"
#include "moe/ops/scale.hpp"

namespace moe {

/// y_d = a_d O_token,d + b_d O_segment,d with two learned weights per channel: eq. 6 with diagonal weight matrices.
template <class Value, Backend B>
struct ChannelFusion {
  template <class Other>
  using rebind = ChannelFusion<Other, B>;
  using Tensor = Matrix<Value, B>;
  /// Type that the weights are stored in.
  using Real = Accum<Value>;
  /// Tensors that backward consumes.
  struct Saved {
    Tensor o_token_TD, o_segment_TD;
  };

  /// Weights a and b of the channels, one vector per level.
  Vector<Real, B> token_D, segment_D;

  ChannelFusion() = default;
  /// For rows of `width` values; all channels start with the same two weights.
  ChannelFusion(Index width, double token, double segment) : token_D(width), segment_D(width) {
    fill(token_D, token);
    fill(segment_D, segment);
  }

  /// Returns y_TD and saves both outputs.
  std::pair<Tensor, Saved> forward(const typename B::Context& context, Tensor o_token_TD, Tensor o_segment_TD) const {
    auto y = Tensor::uninitialized(context, o_token_TD.rows(), o_token_TD.cols());
    B::for_each_cell(context, y.rows(), y.cols(),
                     [y_TD = y.view(), o_t = o_token_TD.const_view(), o_s = o_segment_TD.const_view(),
                      a = token_D.view(), b = segment_D.view()] MOE_ON_DEVICE(Index t, Index d) {
                       y_TD(t, d) = static_cast<Value>(a(0, d) * widened(o_t(t, d)) + b(0, d) * widened(o_s(t, d)));
                     });
    return {std::move(y), Saved{std::move(o_token_TD), std::move(o_segment_TD)}};
  }

  /// d_a_d += sum_t d_y_td O_token,td; d_O_token = a d_y; the same for the segment level.
  template <class GradientTree>
  FusionGradients<Value, B> backward(const typename B::Context& context, View<const Value, B> d_y_TD, Saved saved,
                                     GradientTree& gradient) const {
    return {back(context, d_y_TD, std::move(saved.o_token_TD), token_D, gradient.token_D),
            back(context, d_y_TD, std::move(saved.o_segment_TD), segment_D, gradient.segment_D)};
  }

  /// Throws Error unless each level has `width` weights.
  void require_fits(Index width) const {
    require(token_D.size() == width && segment_D.size() == width, "ChannelFusion",
            "each level must have a weight for each of ", width, " channels, got ", token_D.size(), " and ",
            segment_D.size());
  }

  ChannelFusion empty_tree() const { return {}; }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return {};
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "token", trees.token_D...);
    visit(prefix + "segment", trees.segment_D...);
  }

 private:
  static void fill(Vector<Real, B>& weights_D, double value) {
    const std::vector<Real> start(static_cast<std::size_t>(weights_D.size()), static_cast<Real>(value));
    B::upload({}, start.data(), weights_D.view());
  }
  static Tensor back(const typename B::Context& context, View<const Value, B> d_y_TD, Tensor o_TD,
                     const Vector<Real, B>& w_D, Vector<Real, B>& d_w_D) {
    if (!d_w_D.empty()) add_scale_columns_backward<Value, B>(context, d_y_TD, o_TD.const_view(), d_w_D.view());
    scale_columns<Value, B>(context, d_y_TD, w_D, o_TD.view());
    return o_TD;
  }
};

}  // namespace moe
