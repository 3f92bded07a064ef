// Longer than other headers: the entries of a layer, their virtual form, and the two kinds of trees that are held.
#pragma once

#ifndef __cpp_rtti
#error "moe/runtime/any_layer.hpp uses run-time type information: compile without -fno-rtti"
#endif

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <variant>
#include <vector>

#include "moe/core/batch.hpp"
#include "moe/core/bfloat16.hpp"
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/module.hpp"
#include "moe/core/observed.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/place.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/train/upcycle.hpp"

namespace moe {

/// A layer whose type is selected at run time, for example by a configuration file. It has the interface of every
/// layer, with one virtual call per entry; the held layer has no virtual calls. A gradient is an AnyLayer of the
/// accumulation type, AnyLayer<float, Backend> for one of BFloat16: gradient_for(layer) where both types are the same,
/// otherwise accum_gradient_for(layer), which holds the weights of the layer's gradient tree and computes nothing.
///
/// If no layer is held, empty_tree() returns an AnyLayer that holds none, visit_parameters and visit_buffers visit
/// nothing, and as() returns null; all other member functions and upcycle() throw Error.
template <class Value_, class Backend_>
class AnyLayer {
 public:
  using Value = Value_;
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Tensor = Matrix<Value, Backend>;
  using ConstView = View<const Value, Backend>;
  /// Default type of a model's dense FFN.
  using Dense = SwiGlu<Value, Backend>;
  template <class Other>
  using rebind = AnyLayer<Other, Backend>;
  /// Type of a gradient.
  using Gradient = AnyLayer<Accum<Value>, Backend>;

 private:
  template <class, class>
  friend class AnyLayer;
  /// Whether weights are stored in a lower precision than their gradients.
  static constexpr bool is_narrow = !std::is_same_v<Value, Accum<Value>>;
  template <class Tree>
  struct SameTree {
    using Type = Tree;
  };
  /// The type of a layer's gradient tree; a rebound layer may be another type even if the values are of the same one.
  template <class Tree>
  using GradientTree =
      typename std::conditional_t<is_narrow, detail::RebindTo<Tree, Accum<Value>>, SameTree<Tree>>::Type;

  struct Held {
    virtual ~Held() = default;
  };
  template <class T>
  struct HeldOf final : Held {
    T value;
    explicit HeldOf(T value_) : value(std::move(value_)) {}
  };
  struct HeldStats {
    virtual ~HeldStats() = default;
    virtual double balance_loss() const = 0;
    virtual double z_loss() const = 0;
    virtual std::vector<std::byte> observed(const Context& context) const = 0;
  };
  template <class T>
  struct HeldStatsOf final : HeldStats {
    T value;
    explicit HeldStatsOf(T value_) : value(std::move(value_)) {}
    double balance_loss() const override { return value.balance_loss(); }
    double z_loss() const override { return value.z_loss(); }
    std::vector<std::byte> observed(const Context& context) const override {
      if constexpr (computes<Backend>)
        return observed_bytes(context, value);
      else
        return {};
    }
  };
  struct HeldState {
    virtual ~HeldState() = default;
    virtual void join(const Context& context, const HeldState& more) = 0;
    virtual void keep(const Context& context, ListView<Index> sequences) = 0;
  };
  template <class T>
  struct HeldStateOf final : HeldState {
    T value;
    explicit HeldStateOf(T value_) : value(std::move(value_)) {}
    void join(const Context& context, const HeldState& more) override {
      const auto* same = dynamic_cast<const HeldStateOf*>(&more);
      require(same != nullptr, "AnyLayer::DecodingState::join", "the states must be of layers of the same type");
      value.join(context, same->value);
    }
    void keep(const Context& context, ListView<Index> sequences) override { value.keep(context, sequences); }
  };

 public:
  /// Statistics of a training forward, type-erased. Losses are computed when they are asked for: on a device that
  /// waits for the forward pass.
  class Stats {
   public:
    /// Balance loss of the held layer; 0 if there are no stats.
    double balance_loss() const { return held_ != nullptr ? held_->balance_loss() : 0; }
    /// Router z-loss of the held layer; 0 if there are no stats.
    double z_loss() const { return held_ != nullptr ? held_->z_loss() : 0; }

   private:
    friend AnyLayer;
    std::shared_ptr<const HeldStats> held_;
  };
  /// Tensors that backward consumes, type-erased.
  using Saved = std::unique_ptr<Held>;
  /// Decoding state of the held layer, type-erased.
  class DecodingState {
   public:
    /// Appends the sequences of `more`. The languages must then be set again. Throws Error if the two states belong to
    /// layers of different types.
    void join(const Context& context, const DecodingState& more) {
      held("AnyLayer::DecodingState::join").join(context, more.held("AnyLayer::DecodingState::join"));
    }
    /// Keeps only these sequences, in this order. The languages must then be set again. Throws Error for a sequence
    /// that does not exist.
    void keep(const Context& context, ListView<Index> sequences) {
      held("AnyLayer::DecodingState::keep").keep(context, sequences);
    }

   private:
    friend AnyLayer;
    HeldState& held(const char* where) const {
      require(held_ != nullptr, where, "the state must be one that begin_decoding made, got an empty one");
      return *held_;
    }
    std::unique_ptr<HeldState> held_;
  };

  AnyLayer() = default;
  /// Holds any layer of the library, or another type with the same members.
  template <class Layer>
  explicit AnyLayer(Layer layer) : layer_(std::make_unique<Of<Layer>>(std::move(layer))) {}

  /// The held layer if its type is Layer; otherwise null.
  template <class Layer>
  Layer* as() {
    auto* of = dynamic_cast<Of<Layer>*>(layer_.get());
    return of != nullptr ? &of->layer : nullptr;
  }

  /// Whether no inference output depends on a later row.
  bool is_causal() const { return layer("is_causal").is_causal(); }
  /// Whether in inference the selected experts and gates of a row do not depend on the other rows (batch invariant).
  /// The output may still differ by rounding when the number of rows changes.
  bool is_batch_invariant() const { return layer("is_batch_invariant").is_batch_invariant(); }
  Index width() const { return layer("width").width(); }
  /// Number of experts that place() can spread over ranks; 0 for a dense layer.
  Index experts() const { return layer("experts").experts(); }
  /// Called by place() (experts/place.hpp). Throws Error as it does.
  void place_experts(int rank, int ranks, const Placement& placement) {
    computing("place_experts", layer_.get())->place_experts(rank, ranks, placement);
  }

  /// Calls the held layer's forward: x_TD -> y_TD. Throws Error for a backend without computation (Shape).
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    return layer("forward").forward(context, x_TD, batch);
  }
  /// The same; `saved` takes ownership of x.
  Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    return layer("forward").forward(context, std::move(x_TD), batch);
  }
  /// d_y_TD -> d_x_TD; adds into `gradient`. Throws Error if `gradient` does not hold the gradient tree of the held
  /// layer or `saved` is not from a layer of this type.
  Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved saved,
                  Gradient& gradient) const {
    const Interface& own = layer("backward");
    require(gradient.layer_ != nullptr && *own.gradient_type == *gradient.layer_->type, "AnyLayer::backward",
            "the gradient must hold a layer of the same type");
    require(saved != nullptr, "AnyLayer::backward", "`saved` must be what forward returned, got an empty one");
    return own.backward(context, d_y_TD, d_stats, std::move(saved), gradient.layer_->tree);
  }
  /// forward with the inference router and without saved tensors.
  Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const {
    return layer("infer").infer(context, x_TD, batch);
  }
  /// A state of `sequences` sequences, each before its first row. Throws Error if the layer is not causal.
  DecodingState begin_decoding(const Context& context, Index sequences) const {
    return layer("begin_decoding").begin_decoding(context, sequences);
  }
  /// infer over the first rows of every sequence; updates `state`, which must be new from begin_decoding(). Throws
  /// Error if the layer is not causal.
  Tensor prefill(const Context& context, ConstView x_TD, const Batch& batch, DecodingState& state) const {
    return layer("prefill").prefill(context, x_TD, batch, state.held("AnyLayer::prefill"));
  }
  /// Decodes the next row of each sequence. Throws Error if the layer is not causal.
  Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                DecodingState& state) const {
    return layer("decode").decode(context, x_BD, tokens_B, state.held("AnyLayer::decode"));
  }
  /// Sets the language of each sequence's next rows, valid until it is set again; empty: unknown. Ignored by layers
  /// that do not route by language.
  void set_languages(std::span<const std::int32_t> languages_B, DecodingState& state) const {
    layer("set_languages").set_languages(languages_B, state.held("AnyLayer::set_languages"));
  }
  /// Updates the buffers from the statistics of one forward pass. Call it for each micro-batch after the optimizer
  /// step; a bias then moves once per micro-batch. Throws Error if `stats` is not from a layer of the held layer's
  /// type.
  void update_buffers(const Context& context, const Stats& stats) {
    require(layer_ != nullptr && stats.held_ != nullptr, "AnyLayer::update_buffers",
            "there must be a held layer and its stats, got ", layer_ != nullptr ? "no stats" : "no layer");
    computing("update_buffers", layer_.get())->update_buffers(context, *stats.held_);
  }

  /// What update_buffers reads of the held layer's stats, for other ranks. Throws Error if there are no stats.
  std::vector<std::byte> observed_bytes_of(const Context& context, const Stats& stats) const {
    require(stats.held_ != nullptr, "AnyLayer::update_buffers", "there must be the stats of a layer, got none");
    return stats.held_->observed(context);
  }
  /// Stats for update_buffers from these bytes. Throws Error if they are of another layer.
  Stats stats_from(const Context& context, std::span<const std::byte> bytes) const {
    return layer("update_buffers").stats_from(context, bytes);
  }

  AnyLayer empty_tree() const {
    AnyLayer tree;
    if (layer_ != nullptr) tree.layer_ = layer_->empty_tree();
    return tree;
  }
  /// The same tree with values of this type or of its accumulation type, every tensor empty.
  template <class Other>
  requires(std::is_same_v<Other, Value> || std::is_same_v<Other, Accum<Value>>) AnyLayer<Other, Backend> empty_tree_of()
  const {
    if constexpr (std::is_same_v<Other, Value>) {
      return empty_tree();
    } else {
      Gradient tree;
      if (layer_ != nullptr) tree.layer_ = layer("empty_tree_of").gradient_tree();
      return tree;
    }
  }
  template <class Visit, class Tree, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Tree&& tree, Trees&&... trees) {
    walk(
        visit, prefix, [](auto& of) -> auto& { return of.weights; }, tree, trees...);
  }
  template <class Visit, class Tree, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Tree&& tree, Trees&&... trees) {
    walk(
        visit, prefix, [](auto& of) -> auto& { return of.buffers; }, tree, trees...);
  }

  /// Calls upcycle() for the held layer, from a dense FFN of its experts' type or from an AnyLayer that holds one.
  /// Throws Error if the held layer is dense or the type of the FFN is not that of its experts.
  template <class X>
  friend void upcycle(const Context& context, const X& dense, AnyLayer& layer, const Upcycling& start,
                      const std::string& prefix = {}) {
    Interface& own = *computing("upcycle", layer.layer_.get());
    if constexpr (std::is_same_v<X, AnyLayer>) {
      const Interface& other = dense.layer("upcycle");
      own.upcycle_from(context, {other.tree, other.type}, start, prefix);
    } else {
      own.upcycle_from(context, {&dense, &typeid(X)}, start, prefix);
    }
  }

 private:
  template <class V>
  using TensorPointers = std::conditional_t<
      std::is_same_v<V, Accum<V>>, std::variant<Matrix<V, Backend>*, Vector<V, Backend>*>,
      std::variant<Matrix<V, Backend>*, Vector<V, Backend>*, Matrix<Accum<V>, Backend>*, Vector<Accum<V>, Backend>*>>;
  struct Entry {
    std::string name;
    TensorPointers<Value> tensor;
  };
  /// Pointer to a layer, with its run-time type.
  struct TypedPointer {
    const void* layer;
    const std::type_info* type;
  };
  struct Interface;
  /// A tree of weights: a layer, or a gradient tree in accumulation precision.
  struct Parts {
    std::vector<Entry> weights, buffers;
    void* tree = nullptr;
    /// Types of the tree and of its gradient tree.
    const std::type_info *type = nullptr, *gradient_type = nullptr;

    virtual ~Parts() = default;
    template <class Tree>
    void list(Tree& held) {
      const auto into = [](std::vector<Entry>& entries) {
        return [&entries](const std::string& name, auto& tensor) { entries.push_back({name, &tensor}); };
      };
      Tree::visit_parameters(into(weights), std::string(), held);
      Tree::visit_buffers(into(buffers), std::string(), held);
      tree = &held;
      type = &typeid(Tree);
      gradient_type = &typeid(GradientTree<Tree>);
    }
    virtual std::unique_ptr<Parts> empty_tree() const = 0;
    /// The layer; null for a gradient tree that holds weights only.
    virtual Interface* computing() { return nullptr; }
  };
  /// A gradient tree whose layer is of lower precision.
  template <class Tree>
  struct PartsOf final : Parts {
    Tree held;
    explicit PartsOf(Tree held_) : held(std::move(held_)) { this->list(held); }
    std::unique_ptr<Parts> empty_tree() const override { return std::make_unique<PartsOf>(held.empty_tree()); }
  };
  struct Interface : Parts {
    virtual bool is_causal() const = 0;
    virtual bool is_batch_invariant() const = 0;
    virtual Index width() const = 0;
    virtual Index experts() const = 0;
    virtual void place_experts(int rank, int ranks, const Placement& placement) = 0;
    virtual Forward<Tensor, Saved, Stats> forward(const Context&, ConstView, const Batch&) const = 0;
    virtual Forward<Tensor, Saved, Stats> forward(const Context&, Tensor&&, const Batch&) const = 0;
    /// The gradient is of gradient_type.
    virtual Tensor backward(const Context&, ConstView, AuxiliaryGradient, Saved, void* gradient) const = 0;
    virtual Tensor infer(const Context&, ConstView, const Batch&) const = 0;
    virtual DecodingState begin_decoding(const Context&, Index) const = 0;
    virtual Tensor prefill(const Context&, ConstView, const Batch&, HeldState&) const = 0;
    virtual Tensor decode(const Context&, ConstView, std::span<const std::int32_t>, HeldState&) const = 0;
    virtual void set_languages(std::span<const std::int32_t>, HeldState&) const = 0;
    virtual void update_buffers(const Context&, const HeldStats&) = 0;
    virtual Stats stats_from(const Context&, std::span<const std::byte>) const = 0;
    virtual std::unique_ptr<typename Gradient::Parts> gradient_tree() const = 0;
    virtual void upcycle_from(const Context&, TypedPointer, const Upcycling&, const std::string&) = 0;
  };

  template <class Layer>
  struct Of final : Interface {
    Layer layer;

    explicit Of(Layer layer_) : layer(std::move(layer_)) { this->list(layer); }

    bool is_causal() const override { return Layer::is_causal; }
    bool is_batch_invariant() const override { return Layer::is_batch_invariant; }
    Index width() const override { return layer.width(); }
    Index experts() const override { return count_experts(layer); }
    void place_experts(int rank, int ranks, const Placement& placement) override {
      detail::place_experts(layer, rank, ranks, placement);
    }
    Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const override {
      if constexpr (computes<Backend>) return held(layer.forward(context, x_TD, batch));
      nothing_runs();
    }
    Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const override {
      if constexpr (computes<Backend>) return held(layer.forward(context, std::move(x_TD), batch));
      nothing_runs();
    }
    Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved saved,
                    void* gradient) const override {
      if constexpr (computes<Backend>)
        return layer.backward(context, d_y_TD, d_stats,
                              std::move(value_of<HeldOf<typename Layer::Saved>>(*saved, "saved")),
                              *static_cast<GradientTree<Layer>*>(gradient));
      nothing_runs();
    }
    Tensor infer(const Context& context, ConstView x_TD, const Batch& batch) const override {
      if constexpr (computes<Backend>) return layer.infer(context, x_TD, batch);
      nothing_runs();
    }
    DecodingState begin_decoding(const Context& context, Index sequences) const override {
      if constexpr (!computes<Backend>)
        nothing_runs();
      else if constexpr (Layer::is_causal)
        return hold_state(layer.begin_decoding(context, sequences));
      else
        throw Error("[AnyLayer::begin_decoding] the layer is not causal and cannot decode row by row");
    }
    Tensor prefill(const Context& context, ConstView x_TD, const Batch& batch, HeldState& state) const override {
      if constexpr (!computes<Backend>)
        nothing_runs();
      else if constexpr (Layer::is_causal)
        return layer.prefill(context, x_TD, batch, state_of<typename Layer::DecodingState>(state));
      else
        throw Error("[AnyLayer::prefill] the layer is not causal and cannot decode row by row");
    }
    Tensor decode(const Context& context, ConstView x_BD, std::span<const std::int32_t> tokens_B,
                  HeldState& state) const override {
      if constexpr (!computes<Backend>)
        nothing_runs();
      else if constexpr (Layer::is_causal)
        return layer.decode(context, x_BD, tokens_B, state_of<typename Layer::DecodingState>(state));
      else
        throw Error("[AnyLayer::decode] the layer is not causal and cannot decode row by row");
    }
    void set_languages(std::span<const std::int32_t> languages_B, HeldState& state) const override {
      if constexpr (requires(typename Layer::DecodingState own) { own.languages; })
        state_of<typename Layer::DecodingState>(state).languages.assign(languages_B.begin(), languages_B.end());
    }
    void update_buffers(const Context& context, const HeldStats& stats) override {
      if constexpr (computes<Backend>)
        layer.update_buffers(context, value_of<const HeldStatsOf<typename Layer::Stats>>(stats, "stats"));
      else
        nothing_runs();
    }
    Stats stats_from(const Context& context, std::span<const std::byte> bytes) const override {
      if constexpr (computes<Backend>) {
        Stats stats;
        stats.held_ =
            std::make_shared<HeldStatsOf<typename Layer::Stats>>(observed_from<typename Layer::Stats>(context, bytes));
        return stats;
      }
      nothing_runs();
    }
    std::unique_ptr<Parts> empty_tree() const override { return std::make_unique<Of>(layer.empty_tree()); }
    std::unique_ptr<typename Gradient::Parts> gradient_tree() const override {
      if constexpr (is_narrow) {
        using Tree = GradientTree<Layer>;
        return std::make_unique<typename Gradient::template PartsOf<Tree>>(detail::empty_tree_of<Accum<Value>>(layer));
      } else {
        return empty_tree();
      }
    }
    Interface* computing() override { return this; }
    void upcycle_from(const Context& context, TypedPointer dense, const Upcycling& start,
                      const std::string& prefix) override {
      if constexpr (!computes<Backend>)
        nothing_runs();
      else if constexpr (requires { typename Layer::ExpertType; })
        upcycle_from_an<typename Layer::ExpertType>(context, dense, start, prefix);
      else if constexpr (requires { typename Layer::DenseType; })
        upcycle_from_an<typename Layer::DenseType>(context, dense, start, prefix);
      else
        throw Error("[upcycle] a dense layer has no experts");
    }

   private:
    template <class X>
    void upcycle_from_an(const Context& context, TypedPointer dense, const Upcycling& start,
                         const std::string& prefix) {
      require(*dense.type == typeid(X), "upcycle",
              "the dense FFN must be of the type of the layer's experts, got one of another type");
      moe::upcycle(context, *static_cast<const X*>(dense.layer), layer, start, prefix);
    }
    [[noreturn]] static void nothing_runs() {
      throw Error("[AnyLayer] this backend has shapes only and computes nothing");
    }
    template <class T>
    static std::unique_ptr<Held> hold(T value) {
      return std::make_unique<HeldOf<T>>(std::move(value));
    }
    template <class T>
    static DecodingState hold_state(T value) {
      DecodingState state;
      state.held_ = std::make_unique<HeldStateOf<T>>(std::move(value));
      return state;
    }
    template <class T>
    static T& state_of(HeldState& held) {
      auto* own = dynamic_cast<HeldStateOf<T>*>(&held);
      require(own != nullptr, "AnyLayer", "the decoding state must be of a layer of this type, got another one's");
      return own->value;
    }
    /// The value that `held`, which must be an Own, holds; `what` is its name in the error message.
    template <class Own, class AnyHeld>
    static auto& value_of(AnyHeld& held, const char* what) {
      auto* own = dynamic_cast<Own*>(&held);
      require(own != nullptr, "AnyLayer", what, " must be of a layer of this type, got another one's");
      return own->value;
    }
    static Forward<Tensor, Saved, Stats> held(Forward<Tensor, typename Layer::Saved, typename Layer::Stats> result) {
      Stats stats;
      stats.held_ = std::make_shared<HeldStatsOf<typename Layer::Stats>>(std::move(result.stats));
      return {std::move(result.output), hold(std::move(result.saved)), std::move(stats)};
    }
  };

  template <class Visit, class Tree, class... Trees>
  static void walk(Visit& visit, const auto& prefix, const auto& list_of, Tree& tree, Trees&... trees) {
    if (tree.layer_ == nullptr && ((trees.layer_ == nullptr) && ...)) return;
    require(tree.layer_ != nullptr && ((trees.layer_ != nullptr && is_alike(*tree.layer_, *trees.layer_)) && ...),
            detail::where_of(prefix), "trees that belong together must hold layers of the same type");
    const auto& entries = list_of(*tree.layer_);
    require_agreement(prefix, "the number of tensors", entries.size(), list_of(*trees.layer_).size()...);
    for (std::size_t i = 0; i < entries.size(); ++i)
      std::visit(
          [&](auto* first) {
            if constexpr ((std::is_same_v<std::remove_const_t<Trees>, AnyLayer> && ...))
              visit(prefix + entries[i].name, constant_like<Tree>(*first),
                    constant_like<Trees>(*std::get<decltype(first)>(list_of(*trees.layer_)[i].tensor))...);
            else
              with_tensors<decltype(first)>(
                  [&](auto&... tensors) { visit(prefix + entries[i].name, constant_like<Tree>(*first), tensors...); },
                  list_of, i, trees...);
          },
          entries[i].tensor);
  }
  /// Calls call(tensor of each tree...) with entry i. Trees of another value type may have other types of tensors.
  template <class First, class Tree, class... Trees>
  static void with_tensors(const auto& call, const auto& list_of, std::size_t i, Tree& tree, Trees&... trees) {
    const auto& tensor = list_of(*tree.layer_)[i].tensor;
    const auto use = [&](auto* own) {
      const auto with_own = [&](auto&... others) { call(constant_like<Tree>(*own), others...); };
      if constexpr (sizeof...(Trees) == 0)
        with_own();
      else
        with_tensors<First>(with_own, list_of, i, trees...);
    };
    if constexpr (std::is_same_v<std::remove_const_t<Tree>, AnyLayer>)
      use(std::get<First>(tensor));
    else
      std::visit(
          [&](auto* own) {
            if constexpr (std::remove_pointer_t<decltype(own)>::rank == std::remove_pointer_t<First>::rank) use(own);
          },
          tensor);
  }
  /// Whether two trees are of the same layer.
  template <class OtherParts>
  static bool is_alike(const Parts& parts, const OtherParts& other) {
    if constexpr (std::is_same_v<OtherParts, Parts>)
      return *parts.type == *other.type;
    else
      return *parts.gradient_type == *other.gradient_type;
  }
  template <class Tree, class T>
  static auto& constant_like(T& tensor) {
    if constexpr (std::is_const_v<Tree>)
      return std::as_const(tensor);
    else
      return tensor;
  }

  static Interface* computing(const char* entry, Parts* parts) {
    if (parts == nullptr) throw Error("[AnyLayer::" + std::string(entry) + "] a layer must be held, got none");
    Interface* const own = parts->computing();
    if (own == nullptr)
      throw Error("[AnyLayer::" + std::string(entry) + "] a layer must be held, got a gradient tree of one");
    return own;
  }
  const Interface& layer(const char* entry) const { return *computing(entry, layer_.get()); }

  std::unique_ptr<Parts> layer_;
};

}  // namespace moe
