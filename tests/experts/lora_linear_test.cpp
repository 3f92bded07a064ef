#include "moe/experts/lora_linear.hpp"

#include "moe/train/draw_adapters.hpp"
#include "moe/train/freeze.hpp"
#include "support/adapters.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace lora_linear_test {

using namespace moe;
using namespace moe::testing;

namespace {

using Layer = LoraLinear<double, Cpu<>>;
const CpuContext context{.threads = 2};
static_assert(Module<Layer>);
static_assert(std::is_same_v<LoraLinear<float, Cpu<>>::rebind<double>, Layer>);

template <class Value = double>
LoraLinear<Value, Cpu<>> drawn(Draw& draw, Index in, Index out, Index rank, double alpha) {
  auto linear = Linear<Value, Cpu<>>::with_bias(in, out);
  randomize(draw, linear);
  return {std::move(linear), rank, alpha};
}

}  // namespace

TEST_CASE("LoraLinear is W x + b + alpha/r B A x, and its gradients match central differences", "[modules][gradient]") {
  Draw draw("lora linear");
  Layer layer = drawn(draw, 5, 3, 2, 7);
  randomize_adapter(draw, layer.adapter);
  auto x = random_matrix<double, Cpu<>>(draw, 7, 5);
  const auto c = random_matrix<double, Cpu<>>(draw, 7, 3);
  const auto y = layer.forward(context, x);
  auto adapter = reference_of(layer.adapter);
  CHECK(adapter.scale == 3.5);
  for (Index t = 0; t < 7; ++t) {
    auto expected = reference::adapted(rows_of_matrix(layer.base.weight), {adapter}, {0},
                                       rows_of_matrix(x)[static_cast<std::size_t>(t)]);
    for (Index o = 0; o < 3; ++o) expected[static_cast<std::size_t>(o)] += layer.base.bias.data()[o];
    CHECK(relative_deviation(expected, rows_of_matrix(y)[static_cast<std::size_t>(t)]) < 1e-14);
  }
  Layer gradient = gradient_for(layer);
  const auto d_x = layer.backward(context, c, x, gradient);
  const auto loss = [&] { return inner(c, layer.forward(context, x)); };
  check_component_gradients("x", x, d_x, loss, component_bar);
  for_each_parameter(
      [&](const std::string& name, auto& weight, const auto& d_weight) {
        check_component_gradients(name, weight, d_weight, loss, component_bar);
      },
      layer, gradient);
}

TEST_CASE("a frozen Linear has no gradient, and the adapter's gradient is unchanged", "[modules][gradient]") {
  Draw draw("frozen linear");
  Layer layer = drawn(draw, 5, 3, 2, 7);
  randomize_adapter(draw, layer.adapter);
  const auto x = random_matrix<double, Cpu<>>(draw, 7, 5), c = random_matrix<double, Cpu<>>(draw, 7, 3);
  Layer all = gradient_for(layer), frozen = gradient_for(layer, TrainByName{.train = {"*lora_*"}});
  CHECK(same_bits(layer.backward(context, c, x, all), layer.backward(context, c, x, frozen)));
  CHECK(frozen.base.weight.empty());
  CHECK(frozen.base.bias.empty());
  CHECK(same_bits(all.adapter.lora_A, frozen.adapter.lora_A));
  CHECK(same_bits(all.adapter.lora_B, frozen.adapter.lora_B));
}

TEMPLATE_TEST_CASE("an adapter initialized as in peft leaves the Linear's output bitwise identical", "[modules]", float,
                   double) {
  Draw draw("fresh adapter");
  auto layer = drawn<TestType>(draw, 33, 17, 4, 8);
  draw_adapters(context, layer, seed(), "q_proj.");
  for (const Index rows : {0, 1, 7, 300}) {
    const auto x = random_matrix<TestType, Cpu<>>(draw, rows, 33);
    CHECK(same_bits(layer.forward(context, x), layer.base.forward(context, x)));
  }
  fill_normal(draw, layer.adapter.lora_B.view());
  const auto x = random_matrix<TestType, Cpu<>>(draw, 7, 33);
  CHECK_FALSE(same_bits(layer.forward(context, x), layer.base.forward(context, x)));
}

TEST_CASE("merging keeps the output, and unmerging restores the weight", "[modules]") {
  Draw draw("merge");
  Layer layer = drawn(draw, 40, 30, 6, 12);
  randomize_adapter(draw, layer.adapter);
  const auto x = random_matrix<double, Cpu<>>(draw, 20, 40);
  const auto y = layer.forward(context, x);
  const auto weight = layer.base.weight.copy();
  layer.merge(context);
  CHECK(relative_deviation(values_of(y), values_of(layer.forward(context, x))) < 1e-14);
  // The merged weight, computed from the reference's adapter.
  const auto adapter = reference_of(layer.adapter);
  for (std::size_t o = 0; o < 30; ++o)
    for (std::size_t i = 0; i < 40; ++i) {
      double expected = weight.view()(static_cast<Index>(o), static_cast<Index>(i));
      for (std::size_t r = 0; r < 6; ++r) expected += 2 * adapter.b[o][r] * adapter.a[r][i];
      CHECK(layer.base.weight.view()(static_cast<Index>(o), static_cast<Index>(i)) ==
            Catch::Approx(expected).epsilon(1e-13).margin(1e-13));
    }
  CHECK_FALSE(same_bits(layer.base.weight, weight));
  layer.unmerge(context);
  CHECK(relative_deviation(values_of(weight), values_of(layer.base.weight)) < 1e-14);
  CHECK(relative_deviation(values_of(y), values_of(layer.forward(context, x))) < 1e-14);
}

TEST_CASE("merging and unmerging is bitwise exact where additions do not round", "[modules]") {
  Draw draw("exact merge");
  Layer layer = drawn(draw, 6, 5, 2, 4);
  for (auto* tensor : {&layer.base.weight, &layer.adapter.lora_A, &layer.adapter.lora_B})
    for (Index i = 0; i < tensor->size(); ++i) tensor->data()[i] = static_cast<double>(draw.between(-50, 50)) / 8;
  const auto weight = layer.base.weight.copy();
  layer.merge(context);
  layer.unmerge(context);
  CHECK(same_bits(layer.base.weight, weight));
}

TEST_CASE("LoraLinear refuses wrong shapes, ranks and merge states", "[modules][misuse]") {
  Draw draw("lora misuse");
  Layer layer = drawn(draw, 4, 3, 2, 2), gradient = gradient_for(layer);
  const Tensor x(5, 4), wide(5, 6), d_y(5, 3);
  CHECK_THROWS_WITH(layer.forward(context, wide), "[LoraLinear::forward] x has 6 columns, the weight expects 4");
  CHECK_THROWS_WITH(layer.backward(context, wide, x, gradient), "[LoraLinear::backward] d_y is 5 x 6, y was 5 x 3");
  CHECK_THROWS_WITH(layer.unmerge(context), "[LoraLinear::unmerge] the adapter is not merged");
  layer.merge(context);
  CHECK_THROWS_WITH(layer.merge(context), "[LoraLinear::merge] the adapter is merged already");
  CHECK_THROWS_WITH(layer.backward(context, d_y, x, gradient),
                    "[LoraLinear::backward] the adapter is merged into the weight; unmerge it to train");
  CHECK_THROWS_WITH(Layer(Linear<double, Cpu<>>::without_bias(4, 3), 0, 1),
                    "[LoraAdapter] the rank must be at least 1, got 0");
}

TEST_CASE("LoraLinear's parameters have the names of checkpoints", "[modules]") {
  Draw draw("lora names");
  std::vector<std::string> names;
  Layer::visit_parameters([&](const std::string& name, const auto&) { names.push_back(name); }, std::string("q_proj."),
                          drawn(draw, 4, 3, 2, 2));
  CHECK(names ==
        std::vector<std::string>{"q_proj.weight", "q_proj.bias", "q_proj.lora_A.weight", "q_proj.lora_B.weight"});
}

}  // namespace lora_linear_test
