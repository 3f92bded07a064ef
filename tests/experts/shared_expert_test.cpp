#include "moe/experts/shared_expert.hpp"

#include "moe/experts/mlp.hpp"
#include "moe/experts/shared_path.hpp"
#include "moe/experts/swiglu.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace shared_expert_test {

using namespace moe;
using namespace moe::testing;

namespace {
using Ffn = SwiGlu<double, Cpu<>>;
using Path = SharedExpert<Ffn, SigmoidGate>;
using Ungated = SharedExpert<Ffn, NoGate>;
const CpuContext context{.threads = 2};
static_assert(Module<Path> && Module<Ungated> && Module<NoSharedExpert>);
static_assert(SharedPath<Path, double, Cpu<>> && SharedPath<Ungated, double, Cpu<>> &&
              SharedPath<NoSharedExpert, double, Cpu<>>);
static_assert(std::is_same_v<SharedExpert<SwiGlu<float, Cpu<>>, SigmoidGate>::rebind<double>, Path>);
}  // namespace

TEMPLATE_TEST_CASE("a shared expert is added to the output, and its gradients match central differences",
                   "[modules][gradient]", Path, Ungated,
                   (SharedExpert<Mlp<Gelu, double, Cpu<>, WithBiases>, SigmoidGate>)) {
  Draw draw("always on");
  TestType path(4, 6);
  randomize(draw, path);
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
    double gate = 1;
    if constexpr (requires { path.gate.weight; }) {
      double z = 0;
      for (Index d = 0; d < 4; ++d) z += path.gate.weight.data()[d] * x.view()(t, d);
      gate = 1 / (1 + std::exp(-z));
    }
    for (Index d = 0; d < 4; ++d)
      CHECK(y.view()(t, d) == Catch::Approx(base.view()(t, d) + gate * ffn.view()(t, d)).epsilon(1e-12).margin(1e-13));
  }
  auto y_again = base.copy();
  auto saved = path.finish(context, path.begin(context, x), y_again.view());
  CHECK(path.keeps(saved, 40));
  CHECK_FALSE(path.keeps(saved, 39));
  TestType gradient = gradient_for(path);
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

TEST_CASE("forward and backward of a shared expert accept no rows", "[modules]") {
  const Path path(3, 4);
  Tensor none(0, 3), d_x(0, 3);
  auto saved = path.finish(context, path.begin(context, none), none.view());
  Path gradient = gradient_for(path);
  path.backward(context, none, none, std::move(saved), d_x.view(), gradient);
  CHECK(d_x.rows() == 0);
}

TEST_CASE("the shared expert's parameters have the names of checkpoints", "[modules]") {
  std::vector<std::string> names;
  Path::visit_parameters([&](const std::string& name, const auto&) { names.push_back(name); }, std::string("mlp."),
                         Path(4, 6));
  CHECK(names == std::vector<std::string>{"mlp.shared_expert.gate_proj.weight", "mlp.shared_expert.up_proj.weight",
                                          "mlp.shared_expert.down_proj.weight", "mlp.shared_expert_gate.weight"});
  names.clear();
  Ungated::visit_parameters([&](const std::string& name, const auto&) { names.push_back(name); }, std::string("mlp."),
                            Ungated(4, 6));
  CHECK(names == std::vector<std::string>{"mlp.shared_experts.gate_proj.weight", "mlp.shared_experts.up_proj.weight",
                                          "mlp.shared_experts.down_proj.weight"});
}

}  // namespace shared_expert_test
