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
#include "moe/core/forward.hpp"
#include "moe/core/list_view.hpp"
#include "moe/core/matrix.hpp"
#include "moe/core/require.hpp"
#include "moe/core/trees.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/train/upcycle.hpp"

namespace moe {

/// A layer whose type is selected at run time, for example by a configuration file. It has the interface of every
/// layer, with one virtual call per entry; the held layer has no virtual calls. A gradient is an AnyLayer that holds
/// the same type.
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

 private:
  struct Held {
    virtual ~Held() = default;
  };
  template <class T>
  struct HeldOf final : Held {
    T value;
    explicit HeldOf(T value_) : value(std::move(value_)) {}
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
  /// Statistics of a training forward: the auxiliary losses that every layer reports, and the held layer's own stats.
  struct Stats {
    /// Balance loss, see balance_loss().
    double balance = 0;
    /// Router z-loss, see z_loss().
    double z = 0;
    /// The held layer's own stats, which update_buffers reads.
    std::shared_ptr<const Held> own;

    double balance_loss() const { return balance; }
    double z_loss() const { return z; }
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

  /// Calls the held layer's forward: x_TD -> y_TD. Throws Error for a backend without computation (Shape).
  Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const {
    return layer("forward").forward(context, x_TD, batch);
  }
  /// The same; `saved` takes ownership of x.
  Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const {
    return layer("forward").forward(context, std::move(x_TD), batch);
  }
  /// d_y_TD -> d_x_TD; adds into `gradient`. Throws Error if `gradient` does not hold a layer of the held layer's type
  /// or `saved` is not from a layer of this type.
  Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved saved,
                  AnyLayer& gradient) const {
    const Interface& own = layer("backward");
    require(gradient.layer_ != nullptr && own.has_type_of(*gradient.layer_), "AnyLayer::backward",
            "the gradient must hold a layer of the same type");
    require(saved != nullptr, "AnyLayer::backward", "`saved` must be what forward returned, got an empty one");
    return own.backward(context, d_y_TD, d_stats, std::move(saved), *gradient.layer_);
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
    require(layer_ != nullptr && stats.own != nullptr, "AnyLayer::update_buffers",
            "there must be a held layer and its stats, got ", layer_ != nullptr ? "no stats" : "no layer");
    layer_->update_buffers(context, *stats.own);
  }

  AnyLayer empty_tree() const {
    AnyLayer tree;
    if (layer_ != nullptr) tree.layer_ = layer_->empty_tree();
    return tree;
  }
  template <class Visit, class Tree, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Tree&& tree, Trees&&... trees) {
    walk(visit, prefix, &Interface::weights, tree, trees...);
  }
  template <class Visit, class Tree, class... Trees>
  static void visit_buffers(Visit&& visit, const std::string& prefix, Tree&& tree, Trees&&... trees) {
    walk(visit, prefix, &Interface::buffers, tree, trees...);
  }

  /// Calls upcycle() for the held layer, from a dense FFN of its experts' type or from an AnyLayer that holds one.
  /// Throws Error if the held layer is dense or the type of the FFN is not that of its experts.
  template <class X>
  friend void upcycle(const Context& context, const X& dense, AnyLayer& layer, const Upcycling& start,
                      const std::string& prefix = {}) {
    require(layer.layer_ != nullptr, "AnyLayer::upcycle", "a layer must be held, got none");
    if constexpr (std::is_same_v<X, AnyLayer>)
      layer.layer_->upcycle_from(context, dense.layer("upcycle").itself(), start, prefix);
    else
      layer.layer_->upcycle_from(context, {&dense, &typeid(X)}, start, prefix);
  }

 private:
  struct Entry {
    std::string name;
    std::variant<Tensor*, Vector<Value, Backend>*> tensor;
  };
  /// Pointer to a layer, with its run-time type.
  struct TypedPointer {
    const void* layer;
    const std::type_info* type;
  };
  struct Interface {
    std::vector<Entry> weights, buffers;

    virtual ~Interface() = default;
    bool has_type_of(const Interface& other) const { return typeid(*this) == typeid(other); }
    virtual bool is_causal() const = 0;
    virtual bool is_batch_invariant() const = 0;
    virtual Index width() const = 0;
    virtual Forward<Tensor, Saved, Stats> forward(const Context&, ConstView, const Batch&) const = 0;
    virtual Forward<Tensor, Saved, Stats> forward(const Context&, Tensor&&, const Batch&) const = 0;
    virtual Tensor backward(const Context&, ConstView, AuxiliaryGradient, Saved, Interface&) const = 0;
    virtual Tensor infer(const Context&, ConstView, const Batch&) const = 0;
    virtual DecodingState begin_decoding(const Context&, Index) const = 0;
    virtual Tensor prefill(const Context&, ConstView, const Batch&, HeldState&) const = 0;
    virtual Tensor decode(const Context&, ConstView, std::span<const std::int32_t>, HeldState&) const = 0;
    virtual void set_languages(std::span<const std::int32_t>, HeldState&) const = 0;
    virtual void update_buffers(const Context&, const Held&) = 0;
    virtual std::unique_ptr<Interface> empty_tree() const = 0;
    virtual TypedPointer itself() const = 0;
    virtual void upcycle_from(const Context&, TypedPointer, const Upcycling&, const std::string&) = 0;
  };

  template <class Layer>
  struct Of final : Interface {
    Layer layer;

    explicit Of(Layer layer_) : layer(std::move(layer_)) {
      const auto list = [](std::vector<Entry>& entries) {
        return [&entries](const std::string& name, auto& tensor) { entries.push_back({name, &tensor}); };
      };
      Layer::visit_parameters(list(this->weights), std::string(), layer);
      Layer::visit_buffers(list(this->buffers), std::string(), layer);
    }

    bool is_causal() const override { return Layer::is_causal; }
    bool is_batch_invariant() const override { return Layer::is_batch_invariant; }
    Index width() const override { return layer.width(); }
    Forward<Tensor, Saved, Stats> forward(const Context& context, ConstView x_TD, const Batch& batch) const override {
      if constexpr (computes<Backend>) return held(layer.forward(context, x_TD, batch));
      nothing_runs();
    }
    Forward<Tensor, Saved, Stats> forward(const Context& context, Tensor&& x_TD, const Batch& batch) const override {
      if constexpr (computes<Backend>) return held(layer.forward(context, std::move(x_TD), batch));
      nothing_runs();
    }
    Tensor backward(const Context& context, ConstView d_y_TD, AuxiliaryGradient d_stats, Saved saved,
                    Interface& gradient) const override {
      if constexpr (computes<Backend>)
        return layer.backward(context, d_y_TD, d_stats, std::move(value_of<typename Layer::Saved>(*saved, "saved")),
                              static_cast<Of&>(gradient).layer);
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
    void update_buffers(const Context& context, const Held& stats) override {
      if constexpr (computes<Backend>)
        layer.update_buffers(context, value_of<typename Layer::Stats>(stats, "stats"));
      else
        nothing_runs();
    }
    std::unique_ptr<Interface> empty_tree() const override { return std::make_unique<Of>(layer.empty_tree()); }
    TypedPointer itself() const override { return {&layer, &typeid(Layer)}; }
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
    /// The value of a HeldOf<T>; `what` is its name in the error message.
    template <class T, class AnyHeld>
    static auto& value_of(AnyHeld& held, const char* what) {
      using Own = std::conditional_t<std::is_const_v<AnyHeld>, const HeldOf<T>, HeldOf<T>>;
      auto* own = dynamic_cast<Own*>(&held);
      require(own != nullptr, "AnyLayer", what, " must be of a layer of this type, got another one's");
      return own->value;
    }
    static Forward<Tensor, Saved, Stats> held(Forward<Tensor, typename Layer::Saved, typename Layer::Stats> result) {
      const double balance = result.stats.balance_loss(), z = result.stats.z_loss();
      return {std::move(result.output), hold(std::move(result.saved)), {balance, z, hold(std::move(result.stats))}};
    }
  };

  template <class Visit, class Tree, class... Trees>
  static void walk(Visit& visit, const auto& prefix, std::vector<Entry> Interface::*list, Tree& tree, Trees&... trees) {
    if (tree.layer_ == nullptr && ((trees.layer_ == nullptr) && ...)) return;
    require(tree.layer_ != nullptr && ((trees.layer_ != nullptr && tree.layer_->has_type_of(*trees.layer_)) && ...),
            detail::where_of(prefix), "trees that belong together must hold layers of the same type");
    const auto& entries = (*tree.layer_).*list;
    require_agreement(prefix, "the number of tensors", entries.size(), ((*trees.layer_).*list).size()...);
    for (std::size_t i = 0; i < entries.size(); ++i)
      std::visit(
          [&](auto* first) {
            visit(prefix + entries[i].name, constant_like<Tree>(*first),
                  constant_like<Trees>(*std::get<decltype(first)>(((*trees.layer_).*list)[i].tensor))...);
          },
          entries[i].tensor);
  }
  template <class Tree, class T>
  static auto& constant_like(T& tensor) {
    if constexpr (std::is_const_v<Tree>)
      return std::as_const(tensor);
    else
      return tensor;
  }

  const Interface& layer(const char* entry) const {
    if (layer_ == nullptr) throw Error("[AnyLayer::" + std::string(entry) + "] a layer must be held, got none");
    return *layer_;
  }

  std::unique_ptr<Interface> layer_;
};

}  // namespace moe
