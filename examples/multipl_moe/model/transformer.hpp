/// A whole model: embedding, decoder layers, final norm, head. Weights carry their Hugging Face names.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "moe/core/trees.hpp"
#include "multipl_moe/model/activation_checkpointing.hpp"
#include "multipl_moe/model/block.hpp"
#include "multipl_moe/model/cross_entropy.hpp"
#include "multipl_moe/model/embedding.hpp"

namespace multipl_moe {

template <class Mlp_>
struct Transformer {
  using Mlp = Mlp_;
  using Value = typename Mlp::Value;
  using Backend = typename Mlp::Backend;
  using Context = typename Backend::Context;
  using Tensor = moe::Matrix<Value, Backend>;
  using ConstView = moe::View<const Value, Backend>;
  using Tokens = std::span<const std::int32_t>;
  using Rows = RowOperations<Value, Backend>;
  template <class Other>
  using rebind = Transformer<typename Mlp::template rebind<Other>>;
  /// Logits are not rounded.
  using Logits = moe::Matrix<moe::Accum<Value>, Backend>;

  /// The activations of `layers`, or with ActivationCheckpointing::on the inputs of each layer.
  struct Saved {
    Tensor last_TD;
    typename RmsNorm<Value, Backend>::Scales scale_1T;
    std::vector<typename Block<Mlp>::Saved> layers;
    std::vector<Tensor> inputs_TD;
    typename Block<Mlp>::Positions positions;
  };
  /// One entry per layer.
  using Stats = std::vector<typename Mlp::Stats>;
  /// State of the sequences being decoded, layer by layer.
  struct DecodingState {
    std::vector<typename Block<Mlp>::DecodingState> layers;

    /// Appends the sequences of `more`.
    void join(const Context& context, DecodingState more) {
      for (std::size_t l = 0; l < layers.size(); ++l) layers[l].join(context, std::move(more.layers[l]));
    }
    /// Keeps only these sequences, in this order.
    void keep(const Context& context, moe::ListView<moe::Index> sequences) {
      for (auto& layer : layers) layer.keep(context, sequences);
    }
  };

  Embedding<Value, Backend> embed_tokens;
  std::vector<Block<Mlp>> layers;
  RmsNorm<Value, Backend> norm;
  /// Empty if the head is tied.
  moe::Linear<Value, Backend> lm_head;
  /// Whether the head is the embedding's table: one weight, which is visited once and receives both gradients.
  bool is_tied = false;

  const moe::Linear<Value, Backend>& head() const { return is_tied ? embed_tokens.table : lm_head; }
  moe::Linear<Value, Backend>& head() { return is_tied ? embed_tokens.table : lm_head; }

  /// tokens_T -> h_TD, the input of the head.
  moe::Forward<Tensor, Saved, Stats> forward(
      const Context& context, Tokens tokens_T, const moe::Batch& batch,
      ActivationCheckpointing checkpointing = ActivationCheckpointing::off) const {
    moe::Forward<Tensor, Saved, Stats> result;
    result.saved.positions = positions_of(context, batch);
    Tensor x_TD = embed_tokens.forward(context, tokens_T);
    for (std::size_t l = 0; l < layers.size(); ++l) {
      if (checkpointing == ActivationCheckpointing::on) result.saved.inputs_TD.push_back(x_TD.copy());
      auto [y_TD, saved, stats] =
          layers[l].forward(of_layer(context, l), std::move(x_TD), batch, result.saved.positions);
      x_TD = std::move(y_TD);
      if (checkpointing == ActivationCheckpointing::off) result.saved.layers.push_back(std::move(saved));
      result.stats.push_back(std::move(stats));
    }
    std::tie(result.output, result.saved.scale_1T) = norm.forward(context, x_TD);
    result.saved.last_TD = std::move(x_TD);
    return result;
  }

  /// d_h_TD -> the gradients of all trainable weights except the head's own, which the loss has already added; consumes
  /// `saved`.
  template <class GradientTree>
  void backward(const Context& context, ConstView d_h_TD, moe::AuxiliaryGradient d_stats, Tokens tokens_T,
                const moe::Batch& batch, Saved saved, GradientTree& gradient) const {
    auto d_x_TD = Tensor::zeros(context, d_h_TD.rows, d_h_TD.cols);
    norm.add_backward(context, d_h_TD, saved.last_TD, saved.scale_1T, d_x_TD.view(), gradient.norm);
    for (std::size_t l = layers.size(); l-- > 0;) {
      auto block = saved.inputs_TD.empty()
                       ? std::move(saved.layers[l])
                       : recomputed(context, l, std::move(saved.inputs_TD[l]), batch, saved.positions);
      d_x_TD = layers[l].backward(of_layer(context, l), std::move(d_x_TD), d_stats, batch, saved.positions,
                                  std::move(block), gradient.layers[l]);
    }
    embed_tokens.backward(context, d_x_TD, tokens_T, gradient.embed_tokens);
  }

  Tensor infer(const Context& context, Tokens tokens_T, const moe::Batch& batch) const {
    const auto positions = positions_of(context, batch);
    Tensor x_TD = embed_tokens.forward(context, tokens_T);
    for (std::size_t l = 0; l < layers.size(); ++l)
      x_TD = kept_alone(context, layers[l].infer(of_layer_alone(context, l), std::move(x_TD), batch, positions));
    return norm.forward(context, x_TD).first;
  }

  DecodingState begin_decoding(const Context& context, moe::Index sequences) const {
    DecodingState state;
    for (const Block<Mlp>& layer : layers) state.layers.push_back(layer.begin_decoding(context, sequences));
    return state;
  }
  /// Reads the first tokens of every sequence, at least one each, in one pass -> logits_BV after the last of them. The
  /// head, whose output is as wide as the vocabulary, runs on these last rows only.
  Logits prefill(const Context& context, Tokens tokens_T, const moe::Batch& batch, DecodingState& state) const {
    const auto positions = positions_of(context, batch);
    Tensor x_TD = embed_tokens.forward(context, tokens_T);
    for (std::size_t l = 0; l < layers.size(); ++l)
      x_TD = layers[l].prefill(of_layer(context, l), std::move(x_TD), batch, positions, state.layers[l]);
    std::vector<std::int32_t> last;
    for (std::size_t b = 1; b < batch.offsets.size(); ++b)
      last.push_back(static_cast<std::int32_t>(batch.offsets[b] - 1));
    auto last_BD = Tensor::uninitialized(context, batch.count(), x_TD.cols());
    Rows::take(context, x_TD, last, last_BD.view());
    return head().forward_unrounded(context, norm.forward(context, last_BD).first);
  }
  /// Reads the next token of each sequence -> logits_BV. languages_B is empty or has the language of each token.
  Logits decode(const Context& context, Tokens tokens_B, std::span<const std::int32_t> languages_B,
                DecodingState& state) const {
    Positions positions;
    if (!layers.empty()) positions = layers.front().self_attn.positions(context, state.layers.front().attention);
    Tensor x_BD = embed_tokens.forward(context, tokens_B);
    for (std::size_t l = 0; l < layers.size(); ++l)
      x_BD = layers[l].decode(of_layer(context, l), std::move(x_BD), tokens_B, languages_B, positions, state.layers[l]);
    return head().forward_unrounded(context, norm.forward(context, x_BD).first);
  }

  void update_buffers(const Context& context, const Stats& stats) {
    for (std::size_t l = 0; l < layers.size(); ++l) layers[l].mlp.update_buffers(context, stats[l]);
  }

  Transformer empty_tree() const {
    Transformer tree{embed_tokens.empty_tree(), {}, norm.empty_tree(), lm_head.empty_tree(), is_tied};
    for (const Block<Mlp>& layer : layers) tree.layers.push_back(layer.empty_tree());
    return tree;
  }
  /// The same tree with values of another type.
  template <class Other>
  rebind<Other> empty_tree_of() const {
    rebind<Other> tree{embed_tokens.template empty_tree_of<Other>(),
                       {},
                       norm.template empty_tree_of<Other>(),
                       lm_head.template empty_tree_of<Other>(),
                       is_tied};
    for (const Block<Mlp>& layer : layers) tree.layers.push_back(layer.template empty_tree_of<Other>());
    return tree;
  }
  template <class Visit, class Tree, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Tree&& tree, Trees&&... trees) {
    Embedding<Value, Backend>::visit_parameters(visit, prefix + "model.embed_tokens.", tree.embed_tokens,
                                                trees.embed_tokens...);
    moe::require_agreement(prefix, "the number of layers", tree.layers.size(), trees.layers.size()...);
    for (std::size_t l = 0; l < tree.layers.size(); ++l)
      Block<Mlp>::visit_parameters(visit, layer_prefix(prefix, l), tree.layers[l], trees.layers[l]...);
    RmsNorm<Value, Backend>::visit_parameters(visit, prefix + "model.norm.", tree.norm, trees.norm...);
    if (!tree.is_tied)
      moe::Linear<Value, Backend>::visit_parameters(visit, prefix + "lm_head.", tree.lm_head, trees.lm_head...);
  }
  template <class Visit, class Tree, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Tree&& tree, Trees&&... trees) {
    for (std::size_t l = 0; l < tree.layers.size(); ++l)
      Block<Mlp>::visit_buffers(visit, layer_prefix(prefix, l), tree.layers[l], trees.layers[l]...);
  }

 private:
  using Positions = typename Block<Mlp>::Positions;
  /// The positions of all layers, which have the same rotary embedding (make_transformer): the first layer's is used.
  Positions positions_of(const Context& context, const moe::Batch& batch) const {
    return layers.empty() ? Positions() : layers.front().self_attn.positions(context, batch);
  }
  /// The context of layer l: its number is in observations and makes the random draws of layers differ.
  static Context of_layer(Context context, std::size_t l) {
    context.layer = static_cast<std::uint32_t>(l);
    return context;
  }
  /// The same with a separate memory pool. With threshold routing the number of rows per expert differs between layers,
  /// and a pool keeps blocks of every size that was ever requested: one pool for all layers would grow to several times
  /// what a layer needs.
  static Context of_layer_alone(const Context& context, std::size_t l) {
    Context alone = of_layer(context, l);
    if constexpr (requires { alone.pool; })
      alone.pool = std::make_shared<typename decltype(alone.pool)::element_type>();
    return alone;
  }
  /// A copy that does not keep a layer's pool alive.
  static Tensor kept_alone(const Context& context, const Tensor& x_TD) {
    auto copy_TD = Tensor::uninitialized(context, x_TD.rows(), x_TD.cols());
    Rows::copy(context, x_TD, copy_TD.view());
    return copy_TD;
  }
  /// The activations of layer l, recomputed from its input. They equal those of the first pass: forward has no side
  /// effects, and the batch's key repeats its random draws.
  typename Block<Mlp>::Saved recomputed(const Context& context, std::size_t l, Tensor x_TD, const moe::Batch& batch,
                                        const Positions& positions) const {
    Context again = of_layer(context, l);
    again.observer = {};
    return layers[l].forward(again, std::move(x_TD), batch, positions).saved;
  }
  static auto layer_prefix(const auto& prefix, std::size_t layer) {
    return prefix + "model.layers." + std::to_string(layer) + ".";
  }
};

}  // namespace multipl_moe
