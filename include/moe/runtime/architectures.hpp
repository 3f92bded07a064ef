#pragma once

#include <concepts>
#include <functional>
#include <limits>
#include <utility>

#include "moe/core/require.hpp"
#include "moe/experts/expert.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/runtime/any_layer.hpp"
#include "moe/runtime/composition.hpp"
#include "moe/runtime/names.hpp"
#include "moe/runtime/one_of.hpp"

namespace moe {

/// Factory functions of the published architectures over one expert type, constructed as X(width, hidden).
template <Expert X>
requires std::constructible_from<X, Index, Index>
class Architectures {
  using Value = typename X::Value;
  using B = typename X::Backend;

 public:
  /// Type of the layers.
  using Layer = AnyLayer<Value, B>;
  /// Creates a layer from a composition, with all weights 0 except those of a learned fusion.
  using Make = std::function<Layer(const Composition&)>;

  /// The token-choice architectures by name, and "dense", which requires an expert that is also a layer (AsLayer).
  static Names<Make> of_tokens(std::string kind);
  /// All architectures by name; those with LoRA adapters are present for SwiGLU only.
  static Names<Make> all(std::string kind);

 private:
  using Bank = ExpertBank<X>;
  using Token = MultiPlTokenLevel<Value, B, BalanceOverRouted, X>;
  using GateFusions = OneGateFusion<FixedFusion, NormalizedFusion, ScalarFusion<Value, B>>;
  using OutputFusions = OneOutputFusion<Value, B, ChannelFusion<Value, B>, MatrixFusion<Value, B>>;
  /// BoundaryWindow with minimum = maximum is FixedWindow.
  template <class Source, class R, class Feed = RowInput>
  using MultiPlSegmentLevelOf = SegmentMoE<BoundaryWindow, Source, R, SoftmaxOverAll, SegmentCapacity, X, Feed>;

  static BalanceOverAll balance_of(const Composition& c) { return {.is_global = c.global_balance}; }
  static Layer top_k(const Composition& c) {
    const MultiPlSettings& s = c.settings;
    return Layer(
        Mixtral<Value, B, X>(TopK{.k = s.k}, {}, {}, Bank(s.token_experts, s.width, s.hidden), {}, balance_of(c)));
  }
  /// Qwen15Moe for SoftmaxOverAll. Without a shared expert, the layer of Qwen3-MoE.
  template <class Normalizer>
  static Layer beside_shared(const Composition& c) {
    const MultiPlSettings& s = c.settings;
    if (c.shared_hidden == 0)
      return Layer(TokenMoE<TopK, Normalizer, Unlimited, X>(
          TopK{.k = s.k}, {}, {}, Bank(s.token_experts, s.width, s.hidden), {}, balance_of(c)));
    using SharedFfn = SharedExpert<X, SigmoidGate>;
    return Layer(TokenMoE<TopK, Normalizer, Unlimited, X, SharedFfn>(
        TopK{.k = s.k}, {}, {}, Bank(s.token_experts, s.width, s.hidden), SharedFfn(s.width, c.shared_hidden),
        balance_of(c)));
  }
  /// GShardDecoderMoe if a capacity or random choices are requested; the one not requested is disabled by its setting.
  static Layer gshard(const Composition& c) {
    const MultiPlSettings& s = c.settings;
    require(c.expert_capacity >= 0, "registry", "gshard's expert_capacity must not be negative, got ",
            c.expert_capacity);
    if (c.expert_capacity == 0 && !c.random_choice) return top_k(c);
    constexpr auto no_bound = static_cast<double>((std::numeric_limits<Index>::max)());
    GShardChoice choice{.k = s.k};
    if (!c.random_choice) choice.keep = GShardChoice::always;
    const CapacityFactor room{.factor = c.expert_capacity > 0 ? c.expert_capacity : no_bound};
    return Layer(GShardDecoderMoe<Value, B, X>({choice, TopK{.k = s.k}}, {}, {room, {}},
                                               Bank(s.token_experts, s.width, s.hidden), {}, balance_of(c)));
  }
  static Token token_level(const Composition& c) {
    Token level = make_multipl<Token>(c.settings);
    if (!c.balance_over_routed) level.routing.balance.shared = SharedTopK::no_expert;
    level.routing.balance.is_global = c.global_balance;
    return level;
  }
  template <class Segment>
  static Layer hybrid(const Composition& c) {
    const MultiPlSettings& s = c.settings;
    const double a = s.token_weight, b = s.segment_weight;
    if (c.fusion == "channel") return joined<Segment>(c, OutputFusions(ChannelFusion<Value, B>(s.width, a, b)));
    if (c.fusion == "matrix") return joined<Segment>(c, OutputFusions(MatrixFusion<Value, B>(s.width, a, b)));
    if (c.fusion == "normalized") return joined<Segment>(c, GateFusions(NormalizedFusion{a, b}));
    if (c.fusion == "scalar") return joined<Segment>(c, GateFusions(ScalarFusion<Value, B>(a, b)));
    require(c.fusion.empty() || c.fusion == "fixed", "registry",
            "fusion must be one of fixed, normalized, scalar, channel, matrix, got \"", c.fusion, "\"");
    return joined<Segment>(c, GateFusions(FixedFusion{a, b}));
  }
  template <class Segment, class F>
  static Layer joined(const Composition& c, F fusion) {
    return Layer(HybridMoE<Token, Segment, F>(token_level(c), make_multipl<Segment>(c.settings), std::move(fusion)));
  }
};

// Outside of the class, so that a file which declares an explicit instantiation does not compile all layers again.
template <Expert X>
requires std::constructible_from<X, Index, Index>
auto Architectures<X>::of_tokens(std::string kind) -> Names<Make> {
  Names<Make> makers(std::move(kind));
  if constexpr (requires { typename X::DecodingState; })
    makers.add("dense", [](const Composition& c) { return Layer(X(c.settings.width, c.settings.hidden)); });
  makers.add("mixtral", &top_k);
  makers.add("gshard", &gshard);
  makers.add("qwen1.5-moe", [](const Composition& c) {
    return c.normalized_gates ? beside_shared<SoftmaxOverChosen>(c) : beside_shared<SoftmaxOverAll>(c);
  });
  return makers;
}
template <Expert X>
requires std::constructible_from<X, Index, Index>
auto Architectures<X>::all(std::string kind) -> Names<Make> {
  Names<Make> makers = of_tokens(std::move(kind));
  makers.add("multipl-moe", &hybrid<MultiPlSegmentLevelOf<OwnMean<Value, B>, ExpertChoice>>);
  makers.add("causal-multipl-moe",
             &hybrid<MultiPlSegmentLevelOf<PreviousMean<Value, B>, TrainInfer<ExpertChoice, ThresholdChoice>>>);
  makers.add("multipl-moe-released", &hybrid<MultiPlSegmentLevelOf<OwnMax<Value, B>, CappedExpertChoice>>);
  makers.add("multipl-moe-literal", &hybrid<MultiPlSegmentLevelOf<OwnMean<Value, B>, ExpertChoice, PooledInput>>);
  makers.add("multipl-moe-without-segments", [](const Composition& c) { return Layer(token_level(c)); });
  if constexpr (std::same_as<X, SwiGlu<Value, B>>) {
    makers.add("lora", [](const Composition& c) {
      return Layer(make_lora(X(c.settings.width, c.settings.hidden), c.lora_rank, c.lora_alpha));
    });
    makers.add("mole",
               [](const Composition& c) { return Layer(make_mole(X(c.settings.width, c.settings.hidden), c.mole)); });
  }
  return makers;
}

}  // namespace moe
