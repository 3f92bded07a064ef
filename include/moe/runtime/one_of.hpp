#pragma once

#include <cstddef>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "moe/core/index.hpp"
#include "moe/core/module.hpp"
#include "moe/core/require.hpp"
#include "moe/core/settings.hpp"
#include "moe/core/trees.hpp"
#include "moe/fusion/fusion.hpp"

namespace moe {

namespace detail {

/// The position of Fusion in a list that has it once.
template <class Fusion, class... Fusions>
inline constexpr std::size_t position_of = [] {
  std::size_t position = 0;
  bool is_found = false;
  ((is_found = is_found || std::is_same_v<Fusion, Fusions>, position += is_found ? 0 : 1), ...);
  return position;
}();

/// Common base of OneGateFusion and OneOutputFusion: the selected fusion and its weights.
template <class... Fusions>
struct OneFusion {
  std::variant<Fusions...> fusion;

  OneFusion() = default;
  explicit OneFusion(std::variant<Fusions...> chosen) : fusion(std::move(chosen)) {}

  template <class Visit, class Tree, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Tree&& tree, Trees&&... trees) {
    require_agreement(prefix, "the index of the selected fusion", tree.fusion.index(), trees.fusion.index()...);
    std::visit(
        [&](auto& f) {
          using F = std::remove_cvref_t<decltype(f)>;
          F::visit_parameters(visit, prefix, f, std::get<position_of<F, Fusions...>>(trees.fusion)...);
        },
        tree.fusion);
  }

  /// Throws Error as the selected fusion does.
  void require_fits(Index width) const {
    std::visit([&](const auto& f) { require_settings(f, width); }, fusion);
  }

 protected:
  /// The empty tree of the selected fusion with values of type Other, in a variant of rebound fusions.
  template <class Other>
  auto empty_of() const {
    return std::visit([](const auto& f) { return std::variant<Rebind<Fusions, Other>...>(empty_tree_of<Other>(f)); },
                      fusion);
  }
  std::variant<Fusions...> empty() const {
    return std::visit([](const auto& f) { return std::variant<Fusions...>(f.empty_tree()); }, fusion);
  }
};

}  // namespace detail

/// A gate fusion that is one of several, selected at run time. A gradient tree holds the same fusion.
template <class... Fusions>
struct OneGateFusion : detail::OneFusion<Fusions...> {
  using detail::OneFusion<Fusions...>::OneFusion;
  template <class Other>
  using rebind = OneGateFusion<detail::Rebind<Fusions, Other>...>;

  /// Calls the selected fusion's scales.
  template <class Real, class B>
  Matrix<Real, B> scales(const typename B::Context& context, View<const Real, B> mass_1T) const {
    return std::visit([&](const auto& f) { return f.template scales<Real, B>(context, mass_1T); }, this->fusion);
  }
  /// Calls the selected fusion's scales_backward; `gradient` holds the same fusion.
  template <class Real, class B, class GradientTree>
  Matrix<Real, B> scales_backward(const typename B::Context& context, View<const Real, B> mass_1T,
                                  View<const Real, B> scale_T2, View<const Real, B> d_scale_T2,
                                  GradientTree& gradient) const {
    return std::visit(
        [&](const auto& f) {
          using F = std::remove_cvref_t<decltype(f)>;
          return f.template scales_backward<Real, B>(context, mass_1T, scale_T2, d_scale_T2,
                                                     std::get<detail::position_of<F, Fusions...>>(gradient.fusion));
        },
        this->fusion);
  }

  OneGateFusion empty_tree() const { return OneGateFusion(this->empty()); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return rebind<Other>(this->template empty_of<Other>());
  }
};

/// An output fusion that is one of several, selected at run time. A gradient tree holds the same fusion.
template <class Value, class B, class... Fusions>
struct OneOutputFusion : detail::OneFusion<Fusions...> {
  using detail::OneFusion<Fusions...>::OneFusion;
  template <class Other>
  using rebind = OneOutputFusion<Other, B, detail::Rebind<Fusions, Other>...>;
  using Tensor = Matrix<Value, B>;
  /// Saved by the selected fusion.
  using Saved = std::variant<typename Fusions::Saved...>;

  /// Calls the selected fusion's forward.
  std::pair<Tensor, Saved> forward(const typename B::Context& context, Tensor o_token_TD, Tensor o_segment_TD) const {
    return std::visit(
        [&](const auto& f) {
          auto [y_TD, saved] = f.forward(context, std::move(o_token_TD), std::move(o_segment_TD));
          return std::pair<Tensor, Saved>(std::move(y_TD), std::move(saved));
        },
        this->fusion);
  }
  /// Calls the selected fusion's backward; `gradient` holds the same fusion. Throws Error if `saved` is not from the
  /// selected fusion.
  template <class GradientTree>
  FusionGradients<Value, B> backward(const typename B::Context& context, View<const Value, B> d_y_TD, Saved saved,
                                     GradientTree& gradient) const {
    require(saved.index() == this->fusion.index(), "OneOutputFusion::backward",
            "`saved` must come from the selected fusion, number ", this->fusion.index(), ", got one of number ",
            saved.index());
    return std::visit(
        [&](const auto& f) {
          using F = std::remove_cvref_t<decltype(f)>;
          return f.backward(context, d_y_TD, std::get<typename F::Saved>(std::move(saved)),
                            std::get<detail::position_of<F, Fusions...>>(gradient.fusion));
        },
        this->fusion);
  }

  OneOutputFusion empty_tree() const { return OneOutputFusion(this->empty()); }
  /// The same tree with values of type Other, every tensor empty.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return rebind<Other>(this->template empty_of<Other>());
  }
};

}  // namespace moe
