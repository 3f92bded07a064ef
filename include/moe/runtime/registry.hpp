#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "moe/core/require.hpp"
#include "moe/layers/presets.hpp"
#include "moe/runtime/any_layer.hpp"
#include "moe/runtime/architectures.hpp"
#include "moe/runtime/composition.hpp"
#include "moe/runtime/names.hpp"

namespace moe {

/// From names to layers: what a configuration file can say. It starts with the published architectures over SwiGLUs and
/// the library's own parts; add() teaches it an architecture of yours, add_expert() experts to make the others of.
template <class Value, class B>
class Registry {
 public:
  /// What it makes.
  using Layer = AnyLayer<Value, B>;
  /// Makes a layer of a composition.
  using Make = std::function<Layer(const Composition&)>;

  Registry() {
    add_expert<SwiGlu<Value, B>>("swiglu");
    for (const std::string& name : experts_.at("swiglu").names()) architectures_.add(name, {});

    routers_.add("shared-top-k", [](MultiPlSettings&) {});
    routers_.add("top-k", [](MultiPlSettings& s) { s.shared = SharedTopK::no_expert; });
    segmenters_.add("fixed-window", [](MultiPlSettings& s) { s.minimum_window = s.window; });
    segmenters_.add("boundary-window", [](MultiPlSettings&) {});
    for (const char* name : {"fixed", "normalized", "scalar", "channel", "matrix"}) fusions_.add(name, name);
    fusions_.add_former("normalised", "normalized");
  }

  /// Teaches the registry an architecture, or gives a known name a new meaning; its maker reads the composition's
  /// expert itself.
  void add(std::string architecture, Make make) { architectures_.add(std::move(architecture), std::move(make)); }
  /// Teaches the registry experts, X(width, hidden), of which it then makes the published architectures: all but those
  /// of adapters, which only a SwiGLU has.
  template <Expert X>
  void add_expert(std::string name) {
    const std::string kind = "architecture of expert " + name;
    experts_.add(std::move(name), Architectures<X>::all(kind));
  }

  /// The same of the architectures whose tokens choose experts and of the dense model alone, which compile in a third
  /// of the time.
  template <Expert X>
  void add_token_expert(std::string name) {
    const std::string kind = "architecture of expert " + name;
    experts_.add(std::move(name), Architectures<X>::of_tokens(kind));
  }

  /// The layer of that composition, as its maker leaves it: weights 0. Throws Error for a name that was not added (and
  /// lists the valid ones) and for settings that fit no layer.
  Layer make(Composition composition) const {
    const Make& own = architectures_.at(composition.architecture);
    if (composition.expert.empty()) composition.expert = "swiglu";
    const Names<Make>& of_expert = experts_.at(composition.expert);
    const Make& make = own ? own : of_expert.at(composition.architecture);
    if (!composition.router.empty()) routers_.at(composition.router)(composition.settings);
    segmenters_.at(composition.segmenter.empty() ? "fixed-window" : composition.segmenter)(composition.settings);
    if (composition.fusion.empty()) composition.fusion = "fixed";
    composition.fusion = fusions_.at(composition.fusion);
    return make(composition);
  }

  /// Names of architectures.
  std::vector<std::string> architectures() const { return architectures_.names(); }
  /// Names of experts.
  std::vector<std::string> experts() const { return experts_.names(); }
  /// Names of routers.
  std::vector<std::string> routers() const { return routers_.names(); }
  /// Names of segmenters.
  std::vector<std::string> segmenters() const { return segmenters_.names(); }
  /// Names of fusions.
  std::vector<std::string> fusions() const { return fusions_.names(); }

 private:
  /// Empty where the composition's expert says how it is made.
  Names<Make> architectures_{"architecture"};
  Names<Names<Make>> experts_{"expert"};
  Names<std::function<void(MultiPlSettings&)>> routers_{"router"};
  Names<std::function<void(MultiPlSettings&)>> segmenters_{"segmenter"};
  Names<std::string> fusions_{"fusion"};
};

}  // namespace moe
