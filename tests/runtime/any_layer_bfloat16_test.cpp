/// Layers of bfloat16 that are made by name, compared with typed layers and with the same layers in float.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "compiled_layers/compiled_layers.hpp"
#include "moe/backend/cpu/cpu.hpp"
#include "moe/runtime/registry.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/initialize.hpp"
#include "support/catch.hpp"
#include "support/named_compositions.hpp"
#include "support/tolerance.hpp"

namespace any_layer_bfloat16_test {

using namespace moe;
using namespace moe::testing;
using Catch::Matchers::ContainsSubstring;

namespace {

using B = Cpu<>;
using Any = AnyLayer<BFloat16, B>;
using Wide = AnyLayer<float, B>;
const CpuContext context{.threads = 2};
template <class Tensor>
std::vector<double> numbers_of(const Tensor& tensor) {
  std::vector<double> numbers;
  for (Index i = 0; i < tensor.size(); ++i) numbers.push_back(static_cast<double>(widened(tensor.data()[i])));
  return numbers;
}

Matrix<BFloat16, B> input_of(const char* name) {
  Matrix<BFloat16, B> x(13, small_settings.width);
  draw_normal(context, x, 5, name, 1);
  return x;
}
Matrix<float, B> as_float(const Matrix<BFloat16, B>& x) {
  Matrix<float, B> wide(x.rows(), x.cols());
  convert(context, x.view(), wide.view());
  return wide;
}

/// Everything that a training step and an inference compute.
struct Results {
  std::vector<std::vector<double>> tensors;
  std::vector<std::string> names;
};
template <class Layer, class Tensor>
Results results_of(const Layer& layer, const Tensor& x, const Tensor& d_y) {
  Results results;
  const auto add = [&](const std::string& name, const auto& tensor) {
    results.names.push_back(name);
    results.tensors.push_back(numbers_of(tensor));
  };
  auto gradient = accum_gradient_for(layer);
  auto run = layer.forward(context, x.view(), batch_of_two());
  add("output", run.output);
  results.names.push_back("losses");
  results.tensors.push_back({run.stats.balance_loss(), run.stats.z_loss()});
  add("d_x", layer.backward(context, d_y.view(), {.balance = 0.5, .z = 0.1}, std::move(run.saved), gradient));
  for_each_parameter(add, gradient);
  add("inference", layer.infer(context, x.view(), batch_of_two()));
  return results;
}

template <class Concrete>
void check_same_as(Concrete concrete, Any any) {
  initialize(context, concrete, 3, 0.4);
  initialize(context, any, 3, 0.4);
  const auto x = input_of("x"), d_y = input_of("d_y");
  const Results expected = results_of(concrete, x, d_y), found = results_of(any, x, d_y);
  CHECK(found.names == expected.names);
  CHECK(found.tensors == expected.tensors);
}

}  // namespace

TEST_CASE("a layer of bfloat16 made by name is bitwise identical to the layer of that name", "[runtime]") {
  using X = SwiGlu<BFloat16, B>;
  const Registry<BFloat16, B> registry;
  const auto bank = [] { return ExpertBank<X>(3, small_settings.width, small_settings.hidden); };
  check_same_as(X(small_settings.width, small_settings.hidden), registry.make(composed("dense")));
  check_same_as(Mixtral<BFloat16, B>(TopK{.k = 2}, {}, {}, bank()), registry.make(composed("mixtral")));
  check_same_as(Qwen15Moe<BFloat16, B>(TopK{.k = 2}, {}, {}, bank(), {small_settings.width, 28}),
                registry.make(composed("qwen1.5-moe")));
  check_same_as(make_multipl<CausalMultiPlMoe<BFloat16, B, ScalarFusion<BFloat16, B>>>(small_settings),
                registry.make(composed("causal-multipl-moe", "scalar")));
  check_same_as(make_multipl<CausalMultiPlMoe<BFloat16, B, MatrixFusion<BFloat16, B>>>(small_settings),
                registry.make(composed("causal-multipl-moe", "matrix")));
  check_same_as(make_lora(X(small_settings.width, small_settings.hidden), 3, 16), registry.make(composed("lora")));
}

TEST_CASE("every architecture in bfloat16 computes what it computes in float, up to rounding", "[runtime][gradient]") {
  const Registry<BFloat16, B> registry;
  const Registry<float, B> wide_registry;
  const std::vector<Composition> compositions = every_composition(registry);
  REQUIRE(compositions.size() == 15);
  for (const Composition& composition : compositions) {
    INFO(composition.architecture << " " << composition.fusion);
    Any layer = registry.make(composition);
    initialize(context, layer, 3, 0.3);
    Wide wide = wide_registry.make(composition);
    // Both have the values of bfloat16, so that routers choose alike.
    round_weights(context, layer, wide);
    const auto x = input_of("x"), d_y = input_of("d_y");
    const Results found = results_of(layer, x, d_y), expected = results_of(wide, as_float(x), as_float(d_y));
    REQUIRE(found.names == expected.names);
    for (std::size_t i = 0; i < found.names.size(); ++i) {
      INFO(found.names[i]);
      // The gradients of routers and adapters are small differences of large terms.
      const bool is_gradient = found.names[i] != "output" && found.names[i] != "inference" && found.names[i] != "d_x";
      const auto is_zero = [](double number) { return number == 0; };
      if (std::all_of(expected.tensors[i].begin(), expected.tensors[i].end(), is_zero))
        CHECK(std::all_of(found.tensors[i].begin(), found.tensors[i].end(), is_zero));
      else
        CHECK(nmse(expected.tensors[i], found.tensors[i]) < (is_gradient ? 1e-3 : 1e-4));
    }
  }
}

TEST_CASE("a layer of bfloat16 made by name trains with split weights and decodes", "[runtime]") {
  const Registry<BFloat16, B> registry;
  Any layer = registry.make(composed("causal-multipl-moe", "scalar"));
  initialize(context, layer, 3, 0.3);
  const auto x = input_of("x"), target = input_of("target");
  auto gradient = accum_gradient_for(layer);
  AdamWState state(context, layer, gradient);
  const auto loss_of_step = [&](Index step) {
    auto run = layer.forward(context, x.view(), batch_of_two());
    double loss = 0;
    Matrix<BFloat16, B> d_y(run.output.rows(), run.output.cols());
    for (Index i = 0; i < d_y.size(); ++i) {
      const float difference = widened(run.output.data()[i]) - widened(target.data()[i]);
      loss += static_cast<double>(difference * difference) / 2;
      d_y.data()[i] = BFloat16(difference);
    }
    layer.backward(context, d_y.view(), {}, std::move(run.saved), gradient);
    AdamW{}.step(context, 1e-2, step, clip_factor(global_norm(context, gradient), 1), layer, gradient, state);
    set_to_zero(context, gradient);
    layer.update_buffers(context, run.stats);
    return loss;
  };
  const double first = loss_of_step(1);
  double last = first;
  for (Index step = 2; step <= 60; ++step) last = loss_of_step(step);
  CHECK(last < 0.5 * first);

  const auto whole = layer.infer(context, x.view(), batch_of_two());
  auto decoding = layer.begin_decoding(context, 1);
  for (Index t = 0; t < 8; ++t) {
    const auto y = layer.decode(context, x.view().rows_between(t, t + 1),
                                {&tokens_of_two[static_cast<std::size_t>(t)], 1}, decoding);
    std::vector<double> expected;
    for (Index d = 0; d < small_settings.width; ++d)
      expected.push_back(static_cast<double>(widened(whole.view()(t, d))));
    CHECK(nmse(expected, numbers_of(y)) < 1e-4);
  }
}

TEST_CASE("a gradient tree of a layer of bfloat16 holds weights only", "[runtime][misuse]") {
  const Registry<BFloat16, B> registry;
  const Any layer = registry.make(composed("mixtral")), other = registry.make(composed("dense"));
  auto gradient = accum_gradient_for(layer), wrong = accum_gradient_for(other);
  const auto x = input_of("x");
  CHECK_THROWS_WITH(gradient.infer(context, as_float(x).view(), batch_of_two()),
                    "[AnyLayer::infer] a layer must be held, got a gradient tree of one");
  auto run = layer.forward(context, x.view(), batch_of_two());
  CHECK_THROWS_WITH(layer.backward(context, x.view(), {}, std::move(run.saved), wrong),
                    ContainsSubstring("the gradient must hold a layer of the same type"));
  CHECK_THROWS_WITH(for_each_tensor([](const auto&, const auto&) {}, layer, wrong),
                    ContainsSubstring("trees that belong together must hold layers of the same type"));
  // The tree of the layer's own type is a layer.
  const Any same = layer.empty_tree_of<BFloat16>();
  CHECK_NOTHROW(for_each_tensor([](const auto&, const auto&) {}, layer, same));
  // A float layer is of another type than the layer of bfloat16, but its tree is the gradient's.
  const Registry<float, B> wide_registry;
  Wide trained = wide_registry.make(composed("mixtral"));
  CHECK_NOTHROW(for_each_tensor([](const auto&, const auto&) {}, layer, trained));
}

}  // namespace any_layer_bfloat16_test
