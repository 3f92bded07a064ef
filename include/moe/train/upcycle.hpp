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
#include "moe/train/upcycling.hpp"

namespace moe {

/// Copies every weight of `from` into `to`. Throws Error, without copying anything, if a shape differs.
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

/// Copies the values of a weight to the host.
template <class Tensor>
std::vector<typename Tensor::Value> host_values(const typename Tensor::Backend::Context& context,
                                                const Tensor& weight) {
  std::vector<typename Tensor::Value> values(static_cast<std::size_t>(weight.size()));
  Tensor::Backend::download(context, weight.view(), values.data());
  return values;
}

/// Reinitializes a share of an FFN's inner channels: the same channels in every weight that has a channel axis.
template <class X>
void reinitialize_channels(const typename X::Context& context, X& expert, const Upcycling& start,
                           const std::string& prefix) {
  using B = typename X::Backend;
  using Value = typename X::Value;
  const Index hidden = expert.hidden();
  const RandomKey key{start.seed, 0, name_hash(prefix + "channels")};
  // The channels with the lowest random numbers: a random subset of the requested size without repetition.
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
        // Each task writes one row of memory, so that threads do not share cache lines.
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

/// Throws Error if a deviation or the share of reinitialized channels is out of range.
inline void check_start(const Upcycling& start) {
  require_deviation("upcycle", start.router_deviation);
  require_deviation("upcycle", start.noise_deviation);
  require(start.reinitialized >= 0 && start.reinitialized <= 1, "upcycle",
          "the share of reinitialized channels must lie in [0, 1], got ", start.reinitialized);
}

/// Applies the reinitialization and the noise of `start` to an expert.
template <class X>
void perturb_expert(const typename X::Context& context, X& expert, const Upcycling& start, const std::string& name) {
  if constexpr (HasChannels<X>) {
    if (start.reinitialized > 0) reinitialize_channels(context, expert, start, name);
  } else {
    require(start.reinitialized == 0, "upcycle",
            "the expert does not declare its inner channels (visit_channels), so none can be reinitialized: the "
            "share must be 0, got ",
            start.reinitialized);
  }
  if (start.noise_deviation > 0) add_noise(context, expert, start, name);
}

}  // namespace detail

/// Initializes one routed expert as upcycle() does: a copy of the dense FFN, with the reinitialization and noise of
/// `start`. `name` is the expert's name with a trailing dot; the random values depend on it. Throws Error if the FFNs'
/// sizes differ or a setting of `start` is out of range.
template <class X>
void upcycle_expert(const typename X::Context& context, const X& dense, X& expert, const Upcycling& start,
                    const std::string& name) {
  detail::check_start(start);
  copy_weights(dense, expert);
  detail::perturb_expert(context, expert, start, name);
}

namespace detail {

/// Draws the weight of the gate projection; other learned parameters of the routing keep their values, such as the
/// noise of NoisyTopK. In a routing module without a gate projection every matrix is drawn, because a matrix that
/// starts at zero could stay there.
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

/// Copies the dense FFN to every expert and applies the reinitialization and noise of `start` to all but `shared`.
template <class X>
void upcycle_experts(const typename X::Context& context, const X& dense, ExpertBank<X>& bank, Index shared,
                     const Upcycling& start, const std::string& prefix) {
  check_start(start);
  for (Index e = 0; e < bank.count(); ++e) {
    X& expert = bank.experts[static_cast<std::size_t>(e)];
    if (e == shared)
      copy_weights(dense, expert);
    else
      upcycle_expert(context, dense, expert, start, detail::element_prefix(prefix, "experts.", e));
  }
}

}  // namespace detail

/// Upcycles a dense FFN to a layer: every routed expert becomes a copy of it, with the noise and the reinitialized
/// channels of `start`; the expert that SharedTopK always selects becomes an exact copy. The gate projection and a
/// SharedExpert are drawn from N(0, router_deviation^2). Throws Error if the FFNs' sizes differ or a setting of `start`
/// is out of range.
template <class R, class N, class C, class X, class Path, class Bal>
void upcycle(const typename TokenMoE<R, N, C, X, Path, Bal>::Context& context,
             const typename TokenMoE<R, N, C, X, Path, Bal>::ExpertType& dense, TokenMoE<R, N, C, X, Path, Bal>& layer,
             const Upcycling& start, const std::string& prefix = {}) {
  Index shared = -1;
  if constexpr (requires { layer.routing.router.shared; }) shared = layer.routing.router.shared;
  detail::upcycle_experts(context, dense, layer.bank, shared, start, prefix);
  // A SharedExpert has no dense counterpart, and its matrices would stay at zero if they started there. Its biases may
  // start at zero.
  Path::visit_parameters(
      [&](const std::string& name, auto& weight) {
        if constexpr (std::remove_cvref_t<decltype(weight)>::rank == 2)
          draw_normal(context, weight, start.seed, name, start.router_deviation);
      },
      prefix, layer.shared_path);
  detail::draw_routing(context, layer.routing, start, prefix);
}

/// The same for a segment level. The source's learned parameters keep their values.
template <class S, class Source, class R, class N, class C, class X, class Feed>
void upcycle(const typename X::Context& context, const X& dense, SegmentMoE<S, Source, R, N, C, X, Feed>& layer,
             const Upcycling& start, const std::string& prefix = {}) {
  detail::upcycle_experts(context, dense, layer.bank, -1, start, prefix);
  detail::draw_routing(context, layer.routing, start, prefix);
}

/// The same for both levels, with "token." and "segment." appended to `prefix`. The fusion keeps its weights.
template <class Token, class Segment, class F>
void upcycle(const typename Token::Context& context, const typename Token::ExpertType& dense,
             HybridMoE<Token, Segment, F>& layer, const Upcycling& start, const std::string& prefix = {}) {
  upcycle(context, dense, layer.token, start, prefix + "token.");
  upcycle(context, dense, layer.segment, start, prefix + "segment.");
}

/// The same for an FFN with adapters: the dense FFN becomes its base, and the adapters are drawn by draw_adapters, so
/// that their output is 0 at first. Throws Error if the FFNs' sizes differ or `start` requests noise or reinitialized
/// channels, which are for copies of the FFN, of which this layer has none.
template <class R, class Value, class B>
void upcycle(const typename B::Context& context, const SwiGlu<Value, B>& dense, LoraFfn<R, Value, B>& layer,
             const Upcycling& start, const std::string& prefix = {}) {
  require(start.noise_deviation == 0 && start.reinitialized == 0, "upcycle",
          "an FFN with adapters starts as the dense one: the noise's deviation and the share of reinitialized channels "
          "must be 0, got ",
          start.noise_deviation, " and ", start.reinitialized);
  copy_weights(dense, layer.base);
  draw_adapters(context, layer, start.seed, prefix);
}

}  // namespace moe
