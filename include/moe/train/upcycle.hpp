#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/train/initialise.hpp"

namespace moe {

/// How an upcycled layer starts: experts are exact copies of the dense FFN, the router is N(0, router_deviation^2),
/// drawn from `seed` and the weight's name below `prefix`.
struct Upcycling {
  std::uint64_t seed = 0;
  double router_deviation = 0.02;
};

/// Copies every weight of `from` into `to`. Throws Error when a shape differs.
template <Module Tree>
void copy_weights(const Tree& from, Tree& to) {
  for_each_parameter(
      [](const std::string& name, const auto& source, auto& target) {
        require(source.rows() == target.rows() && source.cols() == target.cols(), "copy_weights", name, " is ",
                source.rows(), " x ", source.cols(), " here and ", target.rows(), " x ", target.cols(), " there");
        target = source.copy();
      },
      from, to);
}

template <class R, class N, class C, class X, class Path, class Bal>
void upcycle(const typename X::Context& context, const X& dense, TokenMoE<R, N, C, X, Path, Bal>& layer,
             const Upcycling& start, const std::string& prefix = {}) {
  for (X& expert : layer.bank.experts) copy_weights(dense, expert);
  // An always-on path has no dense counterpart, and one that starts at zero would stay there.
  Path::visit_parameters(
      [&](const std::string& name, auto& weight) {
        draw_normal(context, weight, start.seed, name, start.router_deviation);
      },
      prefix, layer.always_on);
  draw_normal(context, layer.gating.gate.weight, start.seed, prefix + "gate.weight", start.router_deviation);
}

template <class S, class Source, class R, class N, class C, class X>
void upcycle(const typename X::Context& context, const X& dense, SegmentMoE<S, Source, R, N, C, X>& layer,
             const Upcycling& start, const std::string& prefix = {}) {
  for (X& expert : layer.bank.experts) copy_weights(dense, expert);
  draw_normal(context, layer.gating.gate.weight, start.seed, prefix + "gate.weight", start.router_deviation);
}

template <class Token, class Segment, class F>
void upcycle(const typename Token::Context& context, const typename Token::ExpertType& dense,
             HybridMoE<Token, Segment, F>& layer, const Upcycling& start, const std::string& prefix = {}) {
  upcycle(context, dense, layer.token, start, prefix + "token.");
  upcycle(context, dense, layer.segment, start, prefix + "segment.");
}

}  // namespace moe
