#pragma once

#include <functional>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "moe/core/require.hpp"
#include "moe/layers/presets.hpp"
#include "moe/runtime/any_layer.hpp"
#include "moe/runtime/one_of.hpp"

namespace moe {

/// What a configuration says of a layer: names of the parts, and their settings. An empty name means the architecture's
/// own part.
struct Composition {
  /// Name of an architecture.
  std::string architecture = "multipl-moe";
  /// Name of a router.
  std::string router{};
  /// Name of a segmenter.
  std::string segmenter{};
  /// Name of a fusion.
  std::string fusion{};
  /// Sizes, and settings of the parts.
  MultiPlSettings settings{};
  /// Inner channels of qwen1.5-moe's shared expert.
  Index shared_hidden = 0;
  /// Whether qwen1.5-moe divides the gates of a row's experts by their sum.
  bool normalised_gates = false;
  /// Whether the balance loss leaves out the shared expert.
  bool balance_over_routed = false;
  /// Room of gshard's experts in training, in multiples of an even share of the choices; 0: no limit.
  double expert_capacity = 0;
  /// Whether gshard keeps a row's further choices by chance in training.
  bool random_choice = false;
  /// r of lora's adapters.
  Index lora_rank = 8;
  /// alpha of lora's adapters.
  double lora_alpha = 16;
  /// Languages, ranks and alphas of mole's adapters.
  MoleSettings mole{};
};

/// Names to things, in the order in which they were added. An unknown name is an error that lists the valid ones.
template <class T>
class Names {
 public:
  /// `kind` is what errors call the things: "router", say.
  explicit Names(std::string kind) : kind_(std::move(kind)) {}

  /// Adds a name, or gives it a new meaning.
  void add(std::string name, T thing) {
    for (auto& [known, meaning] : entries_)
      if (known == name) {
        meaning = std::move(thing);
        return;
      }
    entries_.emplace_back(std::move(name), std::move(thing));
  }
  /// What `name` means. Throws Error for a name that nobody added.
  const T& at(std::string_view name) const {
    for (const auto& [known, thing] : entries_)
      if (known == name) return thing;
    throw Error("[registry] " + kind_ + " must be one of " + list() + ", got \"" + std::string(name) + "\"");
  }
  /// All names, in order.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    for (const auto& entry : entries_) result.push_back(entry.first);
    return result;
  }

 private:
  std::string list() const {
    std::string result;
    for (const auto& entry : entries_) result += (result.empty() ? "" : ", ") + entry.first;
    return result;
  }

  std::string kind_;
  std::vector<std::pair<std::string, T>> entries_;
};

/// From names to layers: what a configuration file can say. It starts with the published architectures and the
/// library's own parts; add() teaches it a name of yours.
template <class Value, class B>
class Registry {
 public:
  /// What it makes.
  using Layer = AnyLayer<Value, B>;
  /// Makes a layer of a composition.
  using Make = std::function<Layer(const Composition&)>;

  Registry() {
    architectures_.add(
        "dense", [](const Composition& c) { return Layer(SwiGlu<Value, B>(c.settings.width, c.settings.hidden)); });
    architectures_.add("mixtral", &top_k);
    architectures_.add("gshard", &gshard);
    architectures_.add("qwen1.5-moe", [](const Composition& c) {
      return c.normalised_gates ? beside_shared<SoftmaxOverChosen>(c) : beside_shared<SoftmaxOverAll>(c);
    });
    architectures_.add("multipl-moe", &hybrid<MultiPlSegmentLevelOf<OwnMean<Value, B>, ExpertChoice>>);
    architectures_.add("causal-multipl-moe",
                       &hybrid<MultiPlSegmentLevelOf<PreviousMean<Value, B>, Routing<ExpertChoice, ThresholdChoice>>>);
    architectures_.add("multipl-moe-released", &hybrid<MultiPlSegmentLevelOf<OwnMax<Value, B>, CappedExpertChoice>>);
    architectures_.add("multipl-moe-literal",
                       &hybrid<MultiPlSegmentLevelOf<OwnMean<Value, B>, ExpertChoice, PooledInput>>);
    architectures_.add("multipl-moe-without-segments", [](const Composition& c) { return Layer(token_level(c)); });

    architectures_.add("lora", [](const Composition& c) {
      return Layer(make_lora(SwiGlu<Value, B>(c.settings.width, c.settings.hidden), c.lora_rank, c.lora_alpha));
    });
    architectures_.add("mole", [](const Composition& c) {
      return Layer(make_mole(SwiGlu<Value, B>(c.settings.width, c.settings.hidden), c.mole));
    });

    routers_.add("shared-top-k", [](MultiPlSettings&) {});
    routers_.add("top-k", [](MultiPlSettings& s) { s.shared = SharedTopK::nobody; });
    segmenters_.add("fixed-window", [](MultiPlSettings& s) { s.minimum_window = s.window; });
    segmenters_.add("boundary-window", [](MultiPlSettings&) {});
    for (const char* name : {"fixed", "normalised", "scalar", "channel", "matrix"}) fusions_.add(name, name);
  }

  /// Teaches the registry an architecture, or gives a known name a new meaning.
  void add(std::string architecture, Make make) { architectures_.add(std::move(architecture), std::move(make)); }

  /// The layer of that composition, as its maker leaves it: weights 0. Throws Error for a name that nobody added (and
  /// lists the valid ones) and for settings that fit no layer.
  Layer make(Composition composition) const {
    const Make& make = architectures_.at(composition.architecture);
    if (!composition.router.empty()) routers_.at(composition.router)(composition.settings);
    segmenters_.at(composition.segmenter.empty() ? "fixed-window" : composition.segmenter)(composition.settings);
    if (composition.fusion.empty()) composition.fusion = "fixed";
    fusions_.at(composition.fusion);
    return make(composition);
  }

  /// Names of architectures.
  std::vector<std::string> architectures() const { return architectures_.names(); }
  /// Names of routers.
  std::vector<std::string> routers() const { return routers_.names(); }
  /// Names of segmenters.
  std::vector<std::string> segmenters() const { return segmenters_.names(); }
  /// Names of fusions.
  std::vector<std::string> fusions() const { return fusions_.names(); }

 private:
  using Bank = ExpertBank<SwiGlu<Value, B>>;
  using Token = MultiPlTokenLevel<Value, B, BalanceOverRouted>;
  using GateFusions = OneGateFusion<FixedFusion, NormalisedFusion, ScalarFusion<Value, B>>;
  using OutputFusions = OneOutputFusion<Value, B, ChannelFusion<Value, B>, MatrixFusion<Value, B>>;
  /// BoundaryWindow is FixedWindow where minimum and maximum agree.
  template <class Source, class R, class Feed = RowInput>
  using MultiPlSegmentLevelOf =
      SegmentMoE<BoundaryWindow, Source, R, SoftmaxOverAll, SegmentCapacity, SwiGlu<Value, B>, Feed>;

  static Layer top_k(const Composition& c) {
    const MultiPlSettings& s = c.settings;
    return Layer(Mixtral<Value, B>(TopK{.k = s.k}, {}, {}, Bank(s.token_experts, s.width, s.hidden)));
  }
  /// Qwen15Moe where the gates are a softmax over all.
  template <class Normalizer>
  static Layer beside_shared(const Composition& c) {
    const MultiPlSettings& s = c.settings;
    using SharedFfn = SharedExpert<SwiGlu<Value, B>, SigmoidGate>;
    return Layer(TokenMoE<TopK, Normalizer, Unlimited, SwiGlu<Value, B>, SharedFfn>(
        TopK{.k = s.k}, {}, {}, Bank(s.token_experts, s.width, s.hidden), SharedFfn(s.width, c.shared_hidden)));
  }
  /// The type drops, and chooses by chance, where one of the two is wanted; the other then has no bound.
  static Layer gshard(const Composition& c) {
    const MultiPlSettings& s = c.settings;
    require(c.expert_capacity >= 0, "registry", "gshard's expert_capacity must not be negative, got ",
            c.expert_capacity);
    if (c.expert_capacity == 0 && !c.random_choice) return top_k(c);
    constexpr auto no_bound = static_cast<double>((std::numeric_limits<Index>::max)());
    GShardChoice choice{.k = s.k};
    if (!c.random_choice) choice.keep = GShardChoice::always;
    const CapacityFactor room{.factor = c.expert_capacity > 0 ? c.expert_capacity : no_bound};
    return Layer(
        GShardDecoderMoe<Value, B>({choice, TopK{.k = s.k}}, {}, {room, {}}, Bank(s.token_experts, s.width, s.hidden)));
  }
  static Token token_level(const Composition& c) {
    Token level = make_multipl<Token>(c.settings);
    if (!c.balance_over_routed) level.routing.balance.shared = SharedTopK::nobody;
    return level;
  }
  template <class Segment>
  static Layer hybrid(const Composition& c) {
    const MultiPlSettings& s = c.settings;
    const double a = s.token_weight, b = s.segment_weight;
    if (c.fusion == "channel") return joined<Segment>(c, OutputFusions(ChannelFusion<Value, B>(s.width, a, b)));
    if (c.fusion == "matrix") return joined<Segment>(c, OutputFusions(MatrixFusion<Value, B>(s.width, a, b)));
    if (c.fusion == "normalised") return joined<Segment>(c, GateFusions(NormalisedFusion{a, b}));
    if (c.fusion == "scalar") return joined<Segment>(c, GateFusions(ScalarFusion<Value, B>(a, b)));
    return joined<Segment>(c, GateFusions(FixedFusion{a, b}));
  }
  template <class Segment, class F>
  static Layer joined(const Composition& c, F fusion) {
    return Layer(HybridMoE<Token, Segment, F>(token_level(c), make_multipl<Segment>(c.settings), std::move(fusion)));
  }

  Names<Make> architectures_{"architecture"};
  Names<std::function<void(MultiPlSettings&)>> routers_{"router"};
  Names<std::function<void(MultiPlSettings&)>> segmenters_{"segmenter"};
  Names<std::string> fusions_{"fusion"};
};

}  // namespace moe
