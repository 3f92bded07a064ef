#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/experts/channels.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/ops/add.hpp"
#include "moe/train/draw_adapters.hpp"
#include "moe/train/initialize.hpp"

namespace moe {

/// How an upcycled layer starts: experts are copies of the dense FFN, the router is N(0, router_deviation^2). Copies
/// that are all alike only part because the router sends them different rows; two ways make them differ from the start,
/// for every expert but a shared one, which stays the dense FFN:
///   noise_deviation  N(0, noise_deviation^2) is added to every weight
///   reinitialized    this share of an expert's inner channels is drawn anew, normal with the mean and deviation of
///                    the dense FFN's weights of each projection (Drop-Upcycling)
/// Everything drawn is a function of `seed` and the weight's name below `prefix`.
struct Upcycling {
  /// What everything is drawn from.
  std::uint64_t seed = 0;
  /// Deviation of the router's weights.
  double router_deviation = 0.02;
  /// Deviation of the noise that is added to every weight; 0: none.
  double noise_deviation = 0;
  /// Share of inner channels drawn anew, in [0, 1].
  double reinitialized = 0;
};

/// Copies every weight of `from` into `to`. Throws Error when a shape differs, and has then copied nothing.
template <Module Tree>
void copy_weights(const Tree& from, Tree& to) {
  require_trees("copy_weights", SameShape{}, from, std::as_const(to));
  for_each_tensor([](const auto& source, auto& target) { target = source.copy(); }, from, to);
}

namespace detail {

/// Adds noise to one expert's weights.
template <class X>
void add_noise(const typename X::Context& context, X& expert, const Upcycling& start, const std::string& prefix) {
  X::visit_parameters(
      [&](const std::string& name, auto& weight) {
        auto noise = zeros_like(weight);
        draw_normal(context, noise, start.seed, name + ".noise", start.noise_deviation);
        add_to(context, noise, weight.view());
      },
      prefix, expert);
}

/// The values of a weight, on the host.
template <class Tensor>
std::vector<typename Tensor::Value> host_values(const typename Tensor::Backend::Context& context,
                                                const Tensor& weight) {
  std::vector<typename Tensor::Value> values(static_cast<std::size_t>(weight.size()));
  Tensor::Backend::download(context, weight.view(), values.data());
  return values;
}

/// Draws a share of an FFN's inner channels anew: the same channels in every weight that has them.
template <class X>
void reinitialize_channels(const typename X::Context& context, X& expert, const Upcycling& start,
                           const std::string& prefix) {
  using B = typename X::Backend;
  using Value = typename X::Value;
  const Index hidden = expert.hidden();
  const RandomKey key{start.seed, 0, name_hash(prefix + "channels")};
  // The channels whose random numbers are lowest: any number of them, none twice.
  std::vector<Index> channels(static_cast<std::size_t>(hidden));
  std::iota(channels.begin(), channels.end(), Index{0});
  std::stable_sort(channels.begin(), channels.end(), [&](Index a, Index b) {
    return random_uniform(key, static_cast<std::uint64_t>(a)) < random_uniform(key, static_cast<std::uint64_t>(b));
  });
  channels.resize(static_cast<std::size_t>(std::llround(start.reinitialized * static_cast<double>(hidden))));

  std::vector<Channels> places;
  X::visit_channels([&](Channels place, const auto&) { places.push_back(place); }, expert);
  std::size_t visited = 0;
  X::visit_parameters(
      [&](const std::string& name, auto& weight) {
        const Channels place = places.at(visited++);
        if (place == Channels::none) return;
        std::vector<Value> values = host_values(context, weight);
        double sum = 0, squares = 0;
        for (const Value value : values) sum += static_cast<double>(widened(value));
        const double mean = sum / static_cast<double>(values.size());
        for (const Value value : values) squares += std::pow(static_cast<double>(widened(value)) - mean, 2);
        const double deviation = std::sqrt(squares / static_cast<double>(values.size()));
        const RandomKey fresh{start.seed, 0, name_hash(name + ".channels")};
        const Index cols = weight.cols();
        const auto draw = [&](Index row, Index col) {
          const auto at = static_cast<std::size_t>(row * cols + col);
          values[at] = static_cast<Value>(static_cast<Accum<Value>>(mean + deviation * random_normal(fresh, at)));
        };
        // A task is a row of memory: two threads that write between each other's values would wait for the same lines.
        if (place == Channels::rows)
          B::for_each_on_host(context, std::ssize(channels), [&](Index i) {
            for (Index col = 0; col < cols; ++col) draw(channels[static_cast<std::size_t>(i)], col);
          });
        else
          B::for_each_on_host(context, weight.rows(), [&](Index row) {
            for (const Index channel : channels) draw(row, channel);
          });
        B::upload(context, values.data(), weight.view());
      },
      prefix, expert);
}

/// Throws Error for deviations and channels out of their range.
inline void check_start(const Upcycling& start) {
  require_deviation("upcycle", start.router_deviation);
  require_deviation("upcycle", start.noise_deviation);
  require(start.reinitialized >= 0 && start.reinitialized <= 1, "upcycle",
          "the share of channels drawn anew must lie in [0, 1], got ", start.reinitialized);
}

/// Makes an expert differ from others that start as it does, where `start` says so.
template <class X>
void make_differ(const typename X::Context& context, X& expert, const Upcycling& start, const std::string& name) {
  if constexpr (HasChannels<X>) {
    if (start.reinitialized > 0) reinitialize_channels(context, expert, start, name);
  } else {
    require(start.reinitialized == 0, "upcycle",
            "the expert does not say where its inner channels lie (visit_channels), so none can be drawn anew: the "
            "share must be 0, got ",
            start.reinitialized);
  }
  if (start.noise_deviation > 0) add_noise(context, expert, start, name);
}

}  // namespace detail

/// One expert as upcycle() makes those that train: a copy of the dense FFN, made to differ where `start` says so.
/// `name` is the expert's, with a dot behind it: what is drawn depends on it. Throws Error for FFNs of other sizes and
/// for a `start` out of range.
template <class X>
void upcycle_expert(const typename X::Context& context, const X& dense, X& expert, const Upcycling& start,
                    const std::string& name) {
  detail::check_start(start);
  copy_weights(dense, expert);
  detail::make_differ(context, expert, start, name);
}

namespace detail {

/// The gate is drawn; what else routing learns keeps its values, as the noise of NoisyTopK does. Of a routing module
/// without a gate every matrix is drawn: one that starts at zero could stay there.
template <class Routing>
void draw_routing(const typename Routing::Backend::Context& context, Routing& routing, const Upcycling& start,
                  const std::string& prefix) {
  if constexpr (requires { routing.gate.weight; })
    draw_normal(context, routing.gate.weight, start.seed, prefix + "gate.weight", start.router_deviation);
  else
    Routing::visit_parameters(
        [&](const std::string& name, auto& weight) {
          if constexpr (std::remove_cvref_t<decltype(weight)>::rank == 2)
            draw_normal(context, weight, start.seed, name, start.router_deviation);
        },
        prefix, routing);
}

/// Copies of the dense FFN, except for `shared` made to differ where `start` says so.
template <class X>
void upcycle_experts(const typename X::Context& context, const X& dense, ExpertBank<X>& bank, Index shared,
                     const Upcycling& start, const std::string& prefix) {
  check_start(start);
  for (Index e = 0; e < bank.count(); ++e) {
    X& expert = bank.experts[static_cast<std::size_t>(e)];
    if (e == shared)
      copy_weights(dense, expert);
    else
      upcycle_expert(context, dense, expert, start, prefix + "experts." + std::to_string(e) + ".");
  }
}

}  // namespace detail

/// Grows the layer out of a dense FFN: every expert becomes a copy of it, the gate and an always-on path are drawn.
/// Throws Error for FFNs of other sizes and for a `start` out of range.
template <class R, class N, class C, class X, class Path, class Bal>
void upcycle(const typename TokenMoE<R, N, C, X, Path, Bal>::Context& context,
             const typename TokenMoE<R, N, C, X, Path, Bal>::ExpertType& dense, TokenMoE<R, N, C, X, Path, Bal>& layer,
             const Upcycling& start, const std::string& prefix = {}) {
  Index shared = -1;
  if constexpr (requires { layer.routing.router.shared; }) shared = layer.routing.router.shared;
  detail::upcycle_experts(context, dense, layer.bank, shared, start, prefix);
  // An always-on path has no dense counterpart, and one that starts at zero would stay there; its biases may.
  Path::visit_parameters(
      [&](const std::string& name, auto& weight) {
        if constexpr (std::remove_cvref_t<decltype(weight)>::rank == 2)
          draw_normal(context, weight, start.seed, name, start.router_deviation);
      },
      prefix, layer.shared_path);
  detail::draw_routing(context, layer.routing, start, prefix);
}

/// The same for a segment level. What the source learns keeps its values.
template <class S, class Source, class R, class N, class C, class X, class Feed>
void upcycle(const typename X::Context& context, const X& dense, SegmentMoE<S, Source, R, N, C, X, Feed>& layer,
             const Upcycling& start, const std::string& prefix = {}) {
  detail::upcycle_experts(context, dense, layer.bank, -1, start, prefix);
  detail::draw_routing(context, layer.routing, start, prefix);
}

/// The same for both levels, as "token." and "segment." below `prefix`. A fusion keeps its weights.
template <class Token, class Segment, class F>
void upcycle(const typename Token::Context& context, const typename Token::ExpertType& dense,
             HybridMoE<Token, Segment, F>& layer, const Upcycling& start, const std::string& prefix = {}) {
  upcycle(context, dense, layer.token, start, prefix + "token.");
  upcycle(context, dense, layer.segment, start, prefix + "segment.");
}

/// The same for an FFN with adapters: the dense FFN is its base, and adapters are drawn so that they add nothing yet.
/// Throws Error for FFNs of other sizes and for a `start` that asks for noise or channels drawn anew: nobody has a
/// copy.
template <class R, class Value, class B>
void upcycle(const typename B::Context& context, const SwiGlu<Value, B>& dense, LoraFfn<R, Value, B>& layer,
             const Upcycling& start, const std::string& prefix = {}) {
  require(
      start.noise_deviation == 0 && start.reinitialized == 0, "upcycle",
      "an FFN with adapters starts as the dense one: the noise's deviation and the share of channels drawn anew must "
      "be 0, got ",
      start.noise_deviation, " and ", start.reinitialized);
  copy_weights(dense, layer.base);
  draw_adapters(context, layer, start.seed, prefix);
}

}  // namespace moe
