#include "moe/experts/glu.hpp"

#include "feed_forward_check.hpp"

namespace experts_glu_test {

using namespace moe;
using namespace moe::testing;

namespace {
template <class A, class Biases>
using Of = Glu<A, double, Cpu<>, Biases>;
using Biased = Of<Gelu, WithBiases>;
static_assert(Biased::name == "Glu" && Of<Silu, WithBiases>::name == "Glu");
static_assert(std::is_same_v<Glu<Gelu, BFloat16, Cpu<>, WithBiases>::rebind<double>, Biased>);
}  // namespace

TEMPLATE_TEST_CASE("a GLU's outputs match the reference, and its gradients match central differences",
                   "[modules][gradient][glu]", Silu, Gelu, GeluTanh, Relu, ReluSquared) {
  SECTION("without biases") {
    check_dense<Of<TestType, WithoutBiases>>(1);
    check_as_experts<Of<TestType, WithoutBiases>>(1);
  }
  SECTION("with biases") {
    check_dense<Of<TestType, WithBiases>>(2);
    check_as_experts<Of<TestType, WithBiases>>(2);
  }
}

TEST_CASE("each weight and bias of a GLU can train alone", "[modules][glu]") {
  check_frozen<Biased>();
  check_frozen<Of<ReluSquared, WithoutBiases>>();
}

TEST_CASE("forward and backward of a GLU accept no rows", "[modules][glu]") { check_no_rows<Biased>(); }

TEST_CASE("a GLU's biases follow their weights in checkpoints", "[modules][glu]") {
  CHECK(names_of<Biased>() == std::vector<std::string>{"mlp.gate_proj.weight", "mlp.gate_proj.bias",
                                                       "mlp.up_proj.weight", "mlp.up_proj.bias", "mlp.down_proj.weight",
                                                       "mlp.down_proj.bias"});
  CHECK(names_of<Of<Gelu, WithoutBiases>>() == names_of<SwiGlu<double, Cpu<>>>());
}

TEST_CASE("a GLU's errors name the weights that do not fit", "[modules][glu][misuse]") {
  const CpuContext context{.threads = 1};
  const Tensor x(2, 4);
  Biased layer(4, 6);
  layer.up_bias = Vector<double, Cpu<>>(5);
  CHECK_THROWS_WITH(layer.infer(context, x, Batch::single(2)),
                    "[Glu::infer] biases must have 6, 6 and 4 values, got 6, 5 and 4");
  layer = Biased(4, 6);
  layer.gate_proj = Tensor(6, 3);
  CHECK_THROWS_WITH(layer.forward(context, x, Batch::single(2)),
                    "[Glu::forward] gate_proj and up_proj must be 6 x 4 as down_proj is 4 x 6, got 6 x 3 and 6 x 4");
  layer = Biased(4, 6);
  CHECK_THROWS_WITH(layer.infer(context, Tensor(2, 3), Batch::single(2)),
                    "[Glu::infer] x has 3 columns, its weights expect 4");
  auto run = layer.forward(context, x, Batch::single(2));
  Biased gradient = gradient_for(layer);
  run.saved.group.b_NF = Tensor(2, 5);
  CHECK_THROWS_WITH(layer.backward(context, x, {}, std::move(run.saved), gradient),
                    Catch::Matchers::StartsWith("[Glu::backward] `saved` must be what forward of this layer returned"));
}

}  // namespace experts_glu_test
