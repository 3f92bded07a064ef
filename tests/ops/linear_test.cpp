#include "moe/ops/linear.hpp"

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace linear_test {

using namespace moe;
using namespace moe::testing;

namespace {
using Layer = Linear<double, Cpu<>>;
const CpuContext context{.threads = 2};
static_assert(Module<Layer>);

std::vector<std::string> names(const Layer& layer) {
  std::vector<std::string> result;
  Layer::visit_parameters([&](const std::string& name, const auto&) { result.push_back(name); }, std::string("p."),
                          layer);
  return result;
}
}  // namespace

TEST_CASE("Linear is x W^T + b, and its gradients match central differences", "[modules][gradient]") {
  Draw draw("linear");
  Layer layer = Layer::with_bias(5, 3);
  randomize(draw, layer);
  auto x = random_matrix<double, Cpu<>>(draw, 7, 5);
  const auto c = random_matrix<double, Cpu<>>(draw, 7, 3);
  const auto y = layer.forward(context, x);
  const auto alone = layer.forward_row_by_row(context, x);
  for (Index t = 0; t < 7; ++t)
    for (Index o = 0; o < 3; ++o) {
      double sum = layer.bias.data()[o];
      for (Index i = 0; i < 5; ++i) sum += x.view()(t, i) * layer.weight.view()(o, i);
      CHECK(y.view()(t, o) == Catch::Approx(sum).epsilon(1e-13));
      CHECK(alone.view()(t, o) == Catch::Approx(sum).epsilon(1e-13));
    }
  Layer gradient = gradient_for(layer);
  const auto d_x = layer.backward(context, c, x, gradient);
  const auto loss = [&] { return inner(c, layer.forward(context, x)); };
  check_component_gradients("x", x, d_x, loss, component_bar);
  check_component_gradients("weight", layer.weight, gradient.weight, loss, component_bar);
  check_component_gradients("bias", layer.bias, gradient.bias, loss, component_bar);

  SECTION("a second backward adds") {
    const auto once = gradient.weight.copy();
    const auto bias_once = gradient.bias.copy();
    layer.backward(context, c, x, gradient);
    for (Index i = 0; i < once.size(); ++i)
      CHECK(gradient.weight.data()[i] == Catch::Approx(2 * once.data()[i]).epsilon(1e-12));
    for (Index i = 0; i < bias_once.size(); ++i)
      CHECK(gradient.bias.data()[i] == Catch::Approx(2 * bias_once.data()[i]).epsilon(1e-12));
  }
  SECTION("row by row all gradients accumulate") {
    const auto once = gradient.weight.copy();
    const auto bias_once = gradient.bias.copy();
    auto sum = d_x.copy();
    layer.add_backward_row_by_row(context, c, x.const_view(), gradient, sum.view());
    for (Index i = 0; i < once.size(); ++i)
      CHECK(gradient.weight.data()[i] == Catch::Approx(2 * once.data()[i]).epsilon(1e-12));
    for (Index i = 0; i < bias_once.size(); ++i)
      CHECK(gradient.bias.data()[i] == Catch::Approx(2 * bias_once.data()[i]).epsilon(1e-12));
    for (Index i = 0; i < sum.size(); ++i) CHECK(sum.data()[i] == Catch::Approx(2 * d_x.data()[i]).epsilon(1e-12));
  }
  SECTION("empty gradients stay empty and leave d_x as it is") {
    Layer frozen = layer.empty_tree();
    CHECK(same_bits(layer.backward(context, c, x, frozen), d_x));
    CHECK((frozen.weight.empty() && frozen.bias.empty()));
  }
}

TEST_CASE("a Linear lists a bias only if it has one, also in a gradient tree", "[modules]") {
  CHECK(names(Layer::without_bias(2, 3)) == std::vector<std::string>{"p.weight"});
  CHECK(names(Layer::with_bias(2, 3)) == std::vector<std::string>{"p.weight", "p.bias"});
  CHECK(names(Layer::with_bias(2, 3).empty_tree()) == std::vector<std::string>{"p.weight", "p.bias"});
  CHECK(Layer::without_bias(2, 3).in() == 2);
  CHECK(Layer::without_bias(2, 3).out() == 3);
}

}  // namespace linear_test
