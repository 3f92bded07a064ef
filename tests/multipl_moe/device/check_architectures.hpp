/// Checks whole models of every architecture, with layers made by name, on a device against the CPU in double.
#pragma once

#include <algorithm>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "check_model.hpp"
#include "compiled_layers/compiled_layers.hpp"
#include "emulated_model.hpp"
#include "multipl_moe/model/composition.hpp"

namespace multipl_moe::testing {

struct NamedModel {
  std::string name;
  ModelConfig config;
};

/// Every architecture that a configuration can name, as published but small, and the models of Qwen3.
inline std::vector<NamedModel> every_architecture() {
  std::vector<NamedModel> all{{"dense", small_config()}};
  const auto small = [](const std::string& architecture) {
    MoeConfig moe = mixture_named(architecture).value();
    moe.num_token_experts = 4;
    moe.num_experts_per_tok = std::min<std::int64_t>(moe.num_experts_per_tok, architecture == "gshard" ? 2 : 3);
    if (moe.num_segment_experts > 0) moe.num_segment_experts = 3;
    moe.segment_window = 4;
    moe.segment_expert_cap = 2;
    if (moe.moe_intermediate_size > 0) moe.moe_intermediate_size = 8;
    if (moe.shared_expert_intermediate_size > 0) moe.shared_expert_intermediate_size = 28;
    if (!moe.languages.empty()) moe.languages = {"python", "rust"};
    moe.lora_rank = 3;
    moe.lora_alpha = 3;
    moe.language_rank = 2;
    moe.shared_rank = 4;
    moe.language_alpha = moe.shared_alpha = 2;
    return moe;
  };
  for (const std::string& name : mixture_names()) all.push_back({name, small_config(small(name))});
  MoeConfig learned = small("causal-multipl-moe");
  learned.fusion = "matrix";
  all.push_back({"causal-multipl-moe with a learned fusion", small_config(learned)});
  const auto of_qwen3 = [](ModelConfig config) {
    config.attention_bias = false;
    config.qk_norm = true;
    config.attention_head_dim = 6;
    return config;
  };
  all.push_back({"qwen3", of_qwen3(small_config())});
  MoeConfig qwen3_moe = small("qwen1.5-moe");
  qwen3_moe.shared_expert_intermediate_size = 0;
  qwen3_moe.norm_topk_prob = true;
  all.push_back({"qwen3-moe", of_qwen3(small_config(qwen3_moe))});
  for (const NamedModel& model : all)
    if (const auto fault = fault_in(model.config)) FAIL(model.name << ": " << *fault);
  return all;
}

/// A model whose layers the library's registry makes by name.
template <class Layer>
Transformer<Layer> model_by_name(const ModelConfig& config) {
  using Value = typename Layer::Value;
  if constexpr (std::is_same_v<Layer, EmulatedLayer<Value>>) {
    return make_transformer(config, make_emulated_layer<Value>);
  } else {
    static const moe::Registry<Value, typename Layer::Backend> registry;
    return make_transformer(config, [](const ModelConfig& own) { return registry.make(composition_of(own)); });
  }
}

template <class Value, class B>
struct ArchitectureChecks {
  using Index = moe::Index;
  using Here = moe::AnyLayer<double, moe::Cpu<>>;
  using There = moe::AnyLayer<Value, B>;
  using Checks = ModelChecks<Here, There>;

  /// Every choice of an expert in a training pass, in inference and in decoding, and every most probable token.
  template <class Model>
  static std::vector<int> choices(const Checks& checks, typename Model::Context on, const Model& model) {
    std::vector<int> all;
    on.observer = [&](const moe::Observation& seen) {
      for (const moe::ChoiceOrder choice : seen.kept) all.push_back(choice != 0);
    };
    model.forward(on, checks.tokens, checks.batch());
    const CrossEntropy<typename Model::Value, typename Model::Backend> loss_of(5);
    const auto hits =
        loss_of.score(on, model.head(), model.infer(on, checks.tokens, checks.batch()), checks.targets).hits;
    all.insert(all.end(), hits.begin(), hits.end());
    if (is_causal(checks)) model.infer(on, checks.text.tokens, checks.text.batch());
    return all;
  }
  static bool is_causal(const Checks& checks) { return checks.here.layers.front().mlp.is_causal(); }

  /// Whether the choices stay the same when all weights are changed by relative noise of this deviation.
  static bool has_margin(const Checks& checks, const ModelConfig& config, double noise) {
    const moe::CpuContext host{.threads = 1};
    const auto own = choices(checks, host, checks.here);
    for (std::uint32_t stream = 0; stream < 8; ++stream) {
      auto other = model_by_name<Here>(config);
      moe::testing::Draw draw("noise on weights", stream);
      moe::for_each_parameter(
          [&](const std::string&, auto& weight, const auto& from) {
            for (Index i = 0; i < weight.size(); ++i) weight.data()[i] = from.data()[i] * (1 + noise * draw.normal());
          },
          other, checks.here);
      if (choices(checks, host, other) != own) return false;
    }
    return true;
  }

  /// Weights are small enough that no softmax is saturated: rounding would be amplified.
  static Checks drawn(const ModelConfig& config, std::uint32_t stream) {
    return {randomized(model_by_name<Here>(config), stream, 0.15), model_by_name<There>(config)};
  }
  /// The first stream whose model makes choices that rounding does not change: noise on the weights, several times as
  /// large as rounding, does not.
  static std::uint32_t stream_with_margin(const ModelConfig& config, double noise) {
    std::uint32_t stream = 0;
    while (stream < 1000 && !has_margin(drawn(config, stream), config, noise)) ++stream;
    INFO("no model of 1000 makes choices that noise of " << noise << " does not change");
    REQUIRE(stream < 1000);
    return stream;
  }

  /// How often the host waits in a layer: for the numbers of rows of the experts and, where a capacity drops rows, for
  /// the number of choices, which limits them, and for the number of dropped ones.
  static Index waits_of_layer(const ModelConfig& config) {
    if (!config.moe) return 0;
    return config.moe->expert_capacity_factor > 0 ? 3 : 1;
  }

  /// `stream` is one that stream_with_margin() found, nmse and least as for ModelChecks::agree().
  static void check(const NamedModel& named, std::uint32_t stream, double nmse, double least, double decoding_bar) {
    INFO(named.name << ", stream " << stream << ", MOE_TEST_SEED=" << moe::testing::seed());
    const Checks checks = drawn(named.config, stream);
    REQUIRE(choices(checks, checks.context, checks.there) ==
            choices(checks, moe::CpuContext{.threads = 1}, checks.here));
    checks.agree(nmse, least);
    if (is_causal(checks)) checks.decode(decoding_bar);
    if constexpr (!B::is_host) {
      const auto step = checks.step_counts();
      CHECK(step.forward.waits == waits_of_layer(named.config) * named.config.num_hidden_layers);
      CHECK(step.loss.waits == 1);
      CHECK(step.backward.waits == 0);
    }
  }
};

}  // namespace multipl_moe::testing
