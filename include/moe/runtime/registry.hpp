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

/// Creates layers by name, as in a configuration file. It initially has the published architectures over SwiGLU experts
/// and the library's routers, segmenters and fusions. add() registers another architecture, add_expert() another expert
/// for the published architectures.
template <class Value, class B>
class Registry {
 public:
  /// Type of the layers.
  using Layer = AnyLayer<Value, B>;
  /// Creates a layer from a composition.
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

  /// Registers an architecture, or replaces the one of this name. `make` reads the composition's expert itself.
  void add(std::string architecture, Make make) { architectures_.add(std::move(architecture), std::move(make)); }
  /// Registers the expert type X, constructed as X(width, hidden), for all published architectures except those with
  /// LoRA adapters, which require SwiGLU.
  template <Expert X>
  void add_expert(std::string name) {
    const std::string kind = "architecture of expert " + name;
    experts_.add(std::move(name), Architectures<X>::all(kind));
  }

  /// The same for the token-choice architectures and the dense FFN only, which compile in a third of the time.
  template <Expert X>
  void add_token_expert(std::string name) {
    const std::string kind = "architecture of expert " + name;
    experts_.add(std::move(name), Architectures<X>::of_tokens(kind));
  }

  /// Creates the layer of a composition, with all weights 0 except those of a learned fusion. Throws Error for an
  /// unknown name, listing the valid ones, and for invalid settings.
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

  /// Names of the architectures.
  std::vector<std::string> architectures() const { return architectures_.names(); }
  /// Names of the experts.
  std::vector<std::string> experts() const { return experts_.names(); }
  /// Names of the routers.
  std::vector<std::string> routers() const { return routers_.names(); }
  /// Names of the segmenters.
  std::vector<std::string> segmenters() const { return segmenters_.names(); }
  /// Names of the fusions.
  std::vector<std::string> fusions() const { return fusions_.names(); }

 private:
  /// The function is empty for published architectures, which are looked up in experts_.
  Names<Make> architectures_{"architecture"};
  Names<Names<Make>> experts_{"expert"};
  Names<std::function<void(MultiPlSettings&)>> routers_{"router"};
  Names<std::function<void(MultiPlSettings&)>> segmenters_{"segmenter"};
  Names<std::string> fusions_{"fusion"};
};

}  // namespace moe
