/// One decoder layer: x += attention(norm(x)); x += mlp(norm(x)). The mlp is a dense FFN or any layer of the library.
#pragma once

#include <span>
#include <string>
#include <utility>

#include "moe/core/forward.hpp"
#include "multipl_moe/model/attention.hpp"
#include "multipl_moe/model/rms_norm.hpp"
#include "multipl_moe/model/rows.hpp"

namespace multipl_moe {

template <class Mlp>
struct Block {
  using Value = typename Mlp::Value;
  using Backend = typename Mlp::Backend;
  using Context = typename Backend::Context;
  using Tensor = moe::Matrix<Value, Backend>;
  using ConstView = moe::View<const Value, Backend>;
  using Stats = typename Mlp::Stats;
  using Rows = RowOperations<Value, Backend>;
  using Positions = typename Attention<Value, Backend>::Positions;
  template <class Other>
  using rebind = Block<typename Mlp::template rebind<Other>>;

  struct Saved {
    Tensor x_TD;
    typename RmsNorm<Value, Backend>::Scales scale_1_1T;
    Tensor normed_TD, middle_TD;
    typename RmsNorm<Value, Backend>::Scales scale_2_1T;
    typename Attention<Value, Backend>::Saved attention;
    typename Mlp::Saved mlp;
  };
  struct DecodingState {
    typename Attention<Value, Backend>::Cache attention;
    typename Mlp::DecodingState mlp;

    /// Appends the sequences of `more`.
    void join(const Context& context, DecodingState more) {
      mlp.join(context, more.mlp);
      attention.join(std::move(more.attention));
    }
    /// Keeps only these sequences, in this order.
    void keep(const Context& context, moe::ListView<moe::Index> sequences) {
      mlp.keep(context, sequences);
      attention.keep(sequences);
    }
  };

  RmsNorm<Value, Backend> input_norm, post_attention_norm;
  Attention<Value, Backend> self_attn;
  Mlp mlp;

  moe::Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor x_TD, const moe::Batch& batch,
                                             const Positions& positions) const {
    auto [normed_TD, scale_1] = input_norm.forward(context, x_TD);
    auto [middle_TD, attention_saved] = self_attn.forward(context, normed_TD, batch, positions);
    Rows::add(context, x_TD, middle_TD.view());
    auto [mlp_in_TD, scale_2] = post_attention_norm.forward(context, middle_TD);
    auto [y_TD, mlp_saved, stats] = mlp.forward(context, std::move(mlp_in_TD), batch);
    Rows::add(context, middle_TD, y_TD.view());
    return {std::move(y_TD),
            {std::move(x_TD), std::move(scale_1), std::move(normed_TD), std::move(middle_TD), std::move(scale_2),
             std::move(attention_saved), std::move(mlp_saved)},
            std::move(stats)};
  }

  template <class GradientTree>
  Tensor backward(const Context& context, Tensor d_y_TD, moe::AuxiliaryGradient d_stats, const moe::Batch& batch,
                  const Positions& positions, Saved saved, GradientTree& gradient) const {
    const auto d_mlp_in_TD = mlp.backward(context, d_y_TD, d_stats, std::move(saved.mlp), gradient.mlp);
    Tensor d_middle_TD = std::move(d_y_TD);
    post_attention_norm.add_backward(context, d_mlp_in_TD, saved.middle_TD, saved.scale_2_1T, d_middle_TD.view(),
                                     gradient.post_attention_norm);
    const auto d_normed_TD = self_attn.backward(context, d_middle_TD, saved.normed_TD, batch, positions,
                                                std::move(saved.attention), gradient.self_attn);
    Tensor d_x_TD = std::move(d_middle_TD);
    input_norm.add_backward(context, d_normed_TD, saved.x_TD, saved.scale_1_1T, d_x_TD.view(), gradient.input_norm);
    return d_x_TD;
  }

  Tensor infer(const Context& context, Tensor x_TD, const moe::Batch& batch, const Positions& positions) const {
    auto middle_TD = self_attn.forward(context, input_norm.forward(context, x_TD).first, batch, positions).first;
    Rows::add(context, x_TD, middle_TD.view());
    auto y_TD = mlp.infer(context, post_attention_norm.forward(context, middle_TD).first, batch);
    Rows::add(context, middle_TD, y_TD.view());
    return y_TD;
  }

  DecodingState begin_decoding(const Context& context, moe::Index sequences) const {
    return {self_attn.begin_decoding(sequences), mlp.begin_decoding(context, sequences)};
  }
  /// Runs infer over the first rows of every sequence and fills `state`, which must be as begin_decoding() returned it.
  Tensor prefill(const Context& context, Tensor x_TD, const moe::Batch& batch, const Positions& positions,
                 DecodingState& state) const {
    auto middle_TD =
        self_attn.prefill(context, input_norm.forward(context, x_TD).first, batch, positions, state.attention);
    Rows::add(context, x_TD, middle_TD.view());
    auto y_TD = mlp.prefill(context, post_attention_norm.forward(context, middle_TD).first, batch, state.mlp);
    Rows::add(context, middle_TD, y_TD.view());
    return y_TD;
  }
  /// Decodes one more token of each sequence. languages_B is empty or has the language of each row, for an mlp that
  /// routes by language.
  Tensor decode(const Context& context, Tensor x_BD, std::span<const std::int32_t> tokens_B,
                std::span<const std::int32_t> languages_B, const Positions& positions, DecodingState& state) const {
    if constexpr (requires { mlp.set_languages(languages_B, state.mlp); }) mlp.set_languages(languages_B, state.mlp);
    auto middle_BD = self_attn.decode(context, input_norm.forward(context, x_BD).first, positions, state.attention);
    Rows::add(context, x_BD, middle_BD.view());
    auto y_BD = mlp.decode(context, post_attention_norm.forward(context, middle_BD).first, tokens_B, state.mlp);
    Rows::add(context, middle_BD, y_BD.view());
    return y_BD;
  }

  Block empty_tree() const {
    return {input_norm.empty_tree(), post_attention_norm.empty_tree(), self_attn.empty_tree(), mlp.empty_tree()};
  }
  /// The same tree with values of another type.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    return {input_norm.template empty_tree_of<Other>(), post_attention_norm.template empty_tree_of<Other>(),
            self_attn.template empty_tree_of<Other>(), mlp.template empty_tree_of<Other>()};
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    RmsNorm<Value, Backend>::visit_parameters(visit, prefix + "input_layernorm.", trees.input_norm...);
    Attention<Value, Backend>::visit_parameters(visit, prefix + "self_attn.", trees.self_attn...);
    RmsNorm<Value, Backend>::visit_parameters(visit, prefix + "post_attention_layernorm.",
                                              trees.post_attention_norm...);
    Mlp::visit_parameters(visit, prefix + "mlp.", trees.mlp...);
  }
  template <class Visit, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Trees&&... trees) {
    Mlp::visit_buffers(visit, prefix + "mlp.", trees.mlp...);
  }
};

}  // namespace multipl_moe
