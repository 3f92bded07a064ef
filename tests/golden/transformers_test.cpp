/// Layers compared with Hugging Face transformers' blocks. README.md describes where the files come from,
/// make_transformers.py their content.

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"
#include "support/random_tensors.hpp"

namespace transformers_test {

using namespace moe;
using namespace moe::testing;
using namespace moe::testing::golden;
using golden::Tensor;

namespace {

using Ffn = SwiGlu<float, Cpu<>>;
/// Qwen2Moe with norm_topk_prob.
using NormalizedQwen = TokenMoE<TopK, SoftmaxOverChosen, Unlimited, Ffn, SharedExpert<Ffn, SigmoidGate>>;

/// The layout of experts in checkpoints: a tensor for each projection of each expert, or stacked tensors for all
/// experts.
enum class Layout { per_expert, fused };

/// Expert e of a tensor [E, 2 F, D] or [E, D, F]: `rows` rows from `row` on.
ConstView slice(const StoredTensor& tensor, Index e, Index row, Index rows) {
  const auto all = static_cast<Index>(tensor.shape.at(1)), cols = static_cast<Index>(tensor.shape.at(2));
  REQUIRE(e < static_cast<Index>(tensor.shape.at(0)));
  return {tensor.values.data() + (e * all + row) * cols, rows, cols};
}

/// The stored weight for a parameter name of the layer. `prefix` is "grad." for its gradient.
ConstView find(const StoredFile& file, const std::string& name, Layout layout, const std::string& prefix = "") {
  const auto& tensors = file.tensors;
  if (name.rfind("experts.", 0) != 0) return view(tensors.at(prefix + name));
  const std::size_t dot = name.find('.', 8);
  const std::string expert = name.substr(8, dot - 8),
                    projection = name.substr(dot + 1, name.find('.', dot + 1) - dot - 1);
  if (layout == Layout::fused) {
    const Index e = std::stoll(expert);
    const StoredTensor& down = tensors.at(prefix + "experts.down_proj");
    const auto width = static_cast<Index>(down.shape.at(1)), hidden = static_cast<Index>(down.shape.at(2));
    if (projection == "down_proj") return slice(down, e, 0, width);
    return slice(tensors.at(prefix + "experts.gate_up_proj"), e, projection == "gate_proj" ? 0 : hidden, hidden);
  }
  const std::map<std::string, std::string> numbers{{"gate_proj", "w1"}, {"up_proj", "w3"}, {"down_proj", "w2"}};
  const bool numbered = file.metadata.at("architecture") == "mixtral";
  return view(
      tensors.at(prefix + "experts." + expert + "." + (numbered ? numbers.at(projection) : projection) + ".weight"));
}

/// Fills every weight of a layer, or of a part of one, whose names begin with `path`.
template <class M>
void load(const StoredFile& file, Layout layout, M& module, const std::string& path = "") {
  M::visit_parameters(
      [&](const std::string& name, Tensor& weight) {
        INFO(name);
        const ConstView stored = find(file, name, layout);
        REQUIRE(weight.rows() == stored.rows);
        REQUIRE(weight.cols() == stored.cols);
        std::copy_n(stored.data, stored.size(), weight.data());
      },
      path, module);
}

template <class M>
void check_gradients(const StoredFile& file, const M& gradient, const std::string& path = "") {
  M::visit_parameters(
      [&](const std::string& name, const Tensor& d_weight) {
        INFO(name);
        CHECK(deviation(find(file, name, Layout::fused, "grad."), d_weight) <= bar);
      },
      path, gradient);
}

ExpertBank<Ffn> empty_bank(const StoredFile& file) {
  const auto& down = file.tensors.at("experts.down_proj").shape;
  return ExpertBank<Ffn>(static_cast<Index>(down.at(0)), static_cast<Index>(down.at(1)),
                         static_cast<Index>(down.at(2)));
}
Batch batch_of(const StoredFile& file) {
  return Batch::sequences(setting(file, "sequences"), setting(file, "rows_per_sequence"));
}

/// DeepSeek's shared experts, which are one FFN.
SharedExpert<Ffn, NoGate> shared_experts(const StoredFile& file) {
  return {setting(file, "hidden_size"), setting(file, "n_shared_experts") * setting(file, "moe_intermediate_size")};
}

template <class Layer>
Layer load_layer(const StoredFile& file, Layout layout) {
  const TopK router{.k = setting(file, "num_experts_per_tok")};
  const auto make = [&] {
    if constexpr (Layer::only_experts)
      return Layer(router, {}, {}, empty_bank(file));
    else if constexpr (std::is_same_v<Layer, DeepSeekMoe<float, Cpu<>>>)
      return Layer(router, {.scale = std::stod(file.metadata.at("routed_scaling_factor"))}, {}, empty_bank(file),
                   shared_experts(file));
    else
      return Layer(router, {}, {}, empty_bank(file),
                   SharedExpert<Ffn, SigmoidGate>(setting(file, "hidden_size"),
                                                  setting(file, "shared_expert_intermediate_size")));
  };
  Layer layer = make();
  load(file, layout, layer);
  return layer;
}

void check_decision(const StoredFile& file, const Decision<float, Cpu<>>& decision) {
  check_tensor(file, "logits", decision.logits_RE);
  const StoredTensor& gates = file.tensors.at("gates");
  bool same_choice = true;
  for (Index i = 0; i < decision.gates_RE.size(); ++i)
    same_choice = same_choice && (decision.choice.chosen_RE.data()[i] != 0) == (view(gates).data[i] != 0);
  CHECK(same_choice);
  check_tensor(file, "gates", decision.gates_RE);
}

/// Checks outputs and gradients of a layer that is the whole block, for a block without auxiliary loss.
template <class Layer>
void check_run(const StoredFile& file, const CpuContext& context, const Layer& layer) {
  const ConstView x_TD = view(file.tensors.at("x"));
  const Batch batch = batch_of(file);
  check_tensor(file, "y", layer.infer(context, x_TD, batch));
  auto run = layer.forward(context, x_TD, batch);
  check_decision(file, run.saved.routing.decision);
  check_tensor(file, "y", run.output);
  Layer gradient = gradient_for(layer);
  check_tensor(file, "d_x", layer.backward(context, view(file.tensors.at("d_y")), {}, std::move(run.saved), gradient));
  check_gradients(file, gradient);
}

/// Checks a layer that is the whole block.
template <class Layer>
void check_layer(const std::string& name) {
  INFO(name);
  const CpuContext context;
  const StoredFile file = read_case(name);
  const Layer layer = load_layer<Layer>(file, Layout::per_expert);
  const ConstView x_TD = view(file.tensors.at("x"));
  const Batch batch = batch_of(file);
  check_tensor(file, "y", layer.infer(context, x_TD, batch));

  auto run = layer.forward(context, x_TD, batch);
  check_decision(file, run.saved.routing.decision);
  check_tensor(file, "y", run.output);
  // transformers counts all k choices of a row, so that even routing gives k; eq. 8 divides by k and gives 1.
  const auto k = static_cast<double>(setting(file, "num_experts_per_tok"));
  const auto aux_loss = static_cast<double>(file.tensors.at("aux_loss").values.at(0));
  CHECK(std::abs(k * run.stats.balance_loss() - aux_loss) <= bar * aux_loss);

  Layer gradient = gradient_for(layer);
  const Tensor d_x_TD =
      layer.backward(context, view(file.tensors.at("d_y")),
                     {.balance = k * std::stod(file.metadata.at("aux_coefficient"))}, std::move(run.saved), gradient);
  check_tensor(file, "d_x", d_x_TD);
  check_gradients(file, gradient);
}

template <class M>
void check_same_weights(const M& a, const M& b) {
  for_each_parameter(
      [](const std::string& name, const Tensor& one, const Tensor& other) {
        INFO(name);
        CHECK(same_bits(one, other));
      },
      a, b);
}

}  // namespace

TEST_CASE("Mixtral matches transformers' block", "[golden]") {
  check_layer<Mixtral<float, Cpu<>>>(GENERATE(as<std::string>{}, "mixtral_top_2", "mixtral_balanced", "mixtral_top_1",
                                              "mixtral_all_chosen", "mixtral_steep"));
}

TEST_CASE("Qwen15Moe matches transformers' block", "[golden]") {
  check_layer<Qwen15Moe<float, Cpu<>>>(
      GENERATE(as<std::string>{}, "qwen2_moe_top_4", "qwen2_moe_top_1", "qwen2_moe_balanced"));
}

TEST_CASE("Qwen's block with norm_topk_prob matches Qwen15Moe with SoftmaxOverChosen", "[golden]") {
  check_layer<NormalizedQwen>("qwen2_moe_normalized");
}

TEST_CASE("DeepSeekMoe matches transformers' DeepSeek-V2", "[golden]") {
  const std::string name = GENERATE(as<std::string>{}, "deepseek_v2", "deepseek_v2_scaled");
  INFO(name);
  const CpuContext context;
  const StoredFile file = read_case(name);
  const auto layer = load_layer<DeepSeekMoe<float, Cpu<>>>(file, Layout::per_expert);
  check_run(file, context, layer);
}

TEST_CASE("DeepSeekV2Moe matches transformers' DeepSeek-V2 with groups", "[golden]") {
  const CpuContext context;
  const StoredFile file = read_case("deepseek_v2_groups");
  DeepSeekV2Moe<float, Cpu<>> layer(GroupLimitedTopK{.k = setting(file, "num_experts_per_tok"),
                                                     .groups = setting(file, "n_group"),
                                                     .kept_groups = setting(file, "topk_group")},
                                    SoftmaxOverAll{.scale = std::stod(file.metadata.at("routed_scaling_factor"))}, {},
                                    empty_bank(file), shared_experts(file));
  load(file, Layout::per_expert, layer);
  check_run(file, context, layer);
}

TEST_CASE("DeepSeekV3Moe matches transformers' DeepSeek-V3", "[golden]") {
  const std::string name =
      GENERATE(as<std::string>{}, "deepseek_v3", "deepseek_v3_raw", "deepseek_v3_groups", "deepseek_v3_wide_groups");
  INFO(name);
  const CpuContext context;
  const StoredFile file = read_case(name);
  DeepSeekV3Moe<float, Cpu<>> layer(BiasedTopK{.k = setting(file, "num_experts_per_tok"),
                                               .groups = setting(file, "n_group"),
                                               .kept_groups = setting(file, "topk_group")},
                                    SigmoidOverChosen{.scale = std::stod(file.metadata.at("routed_scaling_factor")),
                                                      .sums_to_scale = file.metadata.at("norm_topk_prob") == "True"},
                                    {}, empty_bank(file), shared_experts(file));
  load(file, Layout::per_expert, layer);
  const auto& biases = file.tensors.at("gate.e_score_correction_bias").values;
  std::copy(biases.begin(), biases.end(), layer.routing.biases_E.data());
  check_run(file, context, layer);
}

TEST_CASE("both layouts of a checkpoint load the same layer", "[golden]") {
  SECTION("Mixtral, whose projections have numbers") {
    const StoredFile file = read_case("mixtral_balanced");
    check_same_weights(load_layer<Mixtral<float, Cpu<>>>(file, Layout::per_expert),
                       load_layer<Mixtral<float, Cpu<>>>(file, Layout::fused));
  }
  SECTION("Qwen2Moe, whose projections have names") {
    const StoredFile file = read_case("qwen2_moe_top_4");
    check_same_weights(load_layer<Qwen15Moe<float, Cpu<>>>(file, Layout::per_expert),
                       load_layer<Qwen15Moe<float, Cpu<>>>(file, Layout::fused));
  }
  SECTION("DeepSeek's experts") {
    const StoredFile file = read_case(GENERATE(as<std::string>{}, "deepseek_v2_groups", "deepseek_v3",
                                               "deepseek_v3_raw", "deepseek_v3_groups", "deepseek_v3_wide_groups"));
    ExpertBank<Ffn> per_expert = empty_bank(file), fused = empty_bank(file);
    load(file, Layout::per_expert, per_expert);
    load(file, Layout::fused, fused);
    check_same_weights(per_expert, fused);
  }
}

}  // namespace transformers_test
