#pragma once

#include <concepts>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/entry.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"

namespace moe {

/// The public functions of every layer, whether routed, dense or with adapters. They check their arguments and then
/// call the layer, which derives from this class. The layer has width(), require_consistent(where), a `name` and a
/// `reader` for error messages, and the functions below, which may be private if LayerEntries is a friend:
///
///   make_forward(context, x_TD, batch) -> {y_TD, saved, stats}; `saved` has x_TD, and x_owned for a moved matrix
///   make_backward(context, d_y_TD, d_losses, saved, gradient) -> d_x_TD, require_saved(where, saved)
///   make_inference(context, x_TD, batch) -> y_TD
///   begin_state(context, sequences) -> state, require_state(where, state, count, whose, what)
///   make_prefill(context, x_TD, batch, state), make_decode(context, x_BD, tokens_B, state) -> y
///   require_replay(where, replay, offsets)   throws Error if a record of choices does not fit, or in all cases if the
///                                            layer cannot replay choices
///
/// `Self` in a signature is Layer, evaluated when the function is called: Layer is an incomplete type before that.
template <class Layer, class Value, class Backend, class LossGradients>
class LayerEntries {
 public:
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;

  /// x_TD -> {y_TD, saved, stats}. The view's memory must outlive `saved`. Throws Error if x's columns or the batch's
  /// rows do not fit, if the layer draws random numbers and the batch has no key for them, or if the context has a
  /// record of choices that does not fit.
  auto forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    check(context, detail::EntryName(Layer::name, "forward"), x_TD, batch);
    return layer().make_forward(context, x_TD, batch);
  }
  /// The same for a matrix that is moved into `saved`.
  auto forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    auto result = forward(context, x_TD.const_view(), batch);
    result.saved.x_owned = std::move(x_TD);
    return result;
  }
  /// d_y_TD -> d_x_TD; adds into `gradient`, a gradient tree of the layer's value type or of its accumulation type, and
  /// skips the tree's empty tensors. `consumed` is the `saved` of forward. Throws Error if d_y and x differ in shape,
  /// if `consumed` was consumed before or its shapes differ from those of this layer's forward, if the shapes of
  /// `gradient` differ from the layer's, or if d_losses is not finite.
  template <class Saved, class GradientTree, class Self = Layer>
  Tensor backward(const Context& context, ConstView d_y_TD, LossGradients d_losses, Saved&& consumed,
                  GradientTree& gradient) const
      requires(std::same_as<Saved, typename Self::Saved>&& detail::GradientTreeOf<GradientTree, Self>) {
    constexpr detail::EntryName where(Layer::name, "backward");
    require_output_gradient(where, d_y_TD, consumed.x_TD, d_losses);
    layer().require_consistent(where);
    layer().require_saved(where, consumed);
    require_gradient(where, layer(), gradient);
    Saved saved = std::move(consumed);
    return layer().make_backward(context, d_y_TD, d_losses, std::move(saved), gradient);
  }
  /// The forward pass with inference routing; saves nothing for backward. Throws Error as forward does.
  Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    check(context, detail::EntryName(Layer::name, "infer"), x_TD, batch);
    return layer().make_inference(context, x_TD, batch);
  }

  /// A decoding state with every sequence at its first row. Throws Error if `sequences` is negative.
  template <class Self = Layer>
  auto begin_decoding(const Context& context, Index sequences) const requires(Self::is_causal) {
    constexpr detail::EntryName where(Layer::name, "begin_decoding");
    layer().require_consistent(where);
    require(sequences >= 0, where, "the number of sequences must not be negative, got ", sequences);
    return layer().begin_state(context, sequences);
  }
  /// infer over the first rows of every sequence. `state` must be as begin_decoding() returned it, and is advanced past
  /// these rows. Throws Error if columns, rows or sequences do not fit; the state is then unchanged.
  template <class State, class Self = Layer>
  Tensor prefill(const Context& context, ConstView x_TD, const Batch& batch, State& state) const
      requires(std::same_as<State, typename Self::DecodingState>&& Self::is_causal) {
    constexpr detail::EntryName where(Layer::name, "prefill");
    check(context, where, x_TD, batch);
    layer().require_state(where, state, batch.count(), "the batch has", "sequences");
    return layer().make_prefill(context, x_TD, batch, state);
  }
  /// Processes the next row of each sequence. The result equals that of infer over the whole sequences, up to the
  /// rounding of products with fewer rows. tokens_B is empty or has an id for each row. Throws Error if columns, rows
  /// or ids do not fit; the state then still expects this row.
  template <class State, class Self = Layer>
  Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B, State& state) const
      requires(std::same_as<State, typename Self::DecodingState>&& Self::is_causal) {
    constexpr detail::EntryName where(Layer::name, "decode");
    layer().require_consistent(where);
    require_rows(where, x_BD, Layer::reader, layer().width());
    require_known(tokens_B, x_BD.rows, where, "got", "token ids");
    layer().require_state(where, state, x_BD.rows, "x has", "rows");
    if (context.replay != nullptr)
      layer().require_replay(where, *context.replay, Batch::sequences(x_BD.rows, 1).offsets);
    return layer().make_decode(context, x_BD, tokens_B, state);
  }

 private:
  const Layer& layer() const { return static_cast<const Layer&>(*this); }
  void check(const Context& context, std::string_view where, ConstView x_TD, const Batch& batch) const {
    layer().require_consistent(where);
    require_rows(where, x_TD, Layer::reader, layer().width());
    require_batch(batch, x_TD.rows, where);
    if (context.replay != nullptr) layer().require_replay(where, *context.replay, batch.offsets);
  }
};

}  // namespace moe
