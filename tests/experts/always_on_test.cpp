#include "moe/experts/always_on.hpp"

#include "moe/experts/swiglu.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

using namespace moe;
using namespace moe::testing;

namespace {
using Path = SigmoidGatedFfn<SwiGlu<double, Cpu<>>>;
const CpuContext context{.threads = 2};
static_assert(Module<Path> && Module<NoAlwaysOn>);
static_assert(std::is_same_v<SigmoidGatedFfn<SwiGlu<float, Cpu<>>>::rebind<double>, Path>);
}  // namespace

TEST_CASE("the shared FFN adds to the output, and to the gradient of the input", "[modules][gradient]") {
  Draw draw("always on");
  Path path(4, 6);
  randomise(draw, path);
  auto x = random_matrix<double, Cpu<>>(draw, 40, 4, 0.5);
  const auto c = random_matrix<double, Cpu<>>(draw, 40, 4), base = random_matrix<double, Cpu<>>(draw, 40, 4);
  const auto run = [&] {
    auto y = base.copy();
    path.finish(context, path.begin(context, x), y.view());
    return y;
  };
  const auto y = run();
  const auto ffn = path.ffn.infer(context, x, Batch::single(40));
  for (Index t = 0; t < 40; ++t) {
    double z = 0;
    for (Index d = 0; d < 4; ++d) z += path.gate.weight.data()[d] * x.view()(t, d);
    for (Index d = 0; d < 4; ++d)
      CHECK(y.view()(t, d) ==
            Catch::Approx(base.view()(t, d) + ffn.view()(t, d) / (1 + std::exp(-z))).epsilon(1e-12).margin(1e-13));
  }
  auto y_again = base.copy();
  auto saved = path.finish(context, path.begin(context, x), y_again.view());
  Path gradient = gradient_for(path);
  auto d_x = base.copy();
  path.backward(context, c, x, std::move(saved), d_x.view(), gradient);
  for (Index i = 0; i < d_x.size(); ++i) d_x.data()[i] -= base.data()[i];
  const auto loss = [&] { return inner(c, run()); };
  check_component_gradients("x", x, d_x, loss, component_bar);
  for_each_parameter(
      [&](const std::string& name, auto& weight, const auto& d_weight) {
        check_component_gradients(name, weight, d_weight, loss, component_bar);
      },
      path, gradient);
}

TEST_CASE("the shared FFN's weights bear the names of Qwen's checkpoints", "[modules]") {
  std::vector<std::string> names;
  Path::visit_parameters([&](const std::string& name, const auto&) { names.push_back(name); }, std::string("mlp."),
                         Path(4, 6));
  CHECK(names == std::vector<std::string>{"mlp.shared_expert.gate_proj.weight", "mlp.shared_expert.up_proj.weight",
                                          "mlp.shared_expert.down_proj.weight", "mlp.shared_expert_gate.weight"});
}
