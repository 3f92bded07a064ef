#include "moe/experts/mlp.hpp"

#include "feed_forward_check.hpp"

namespace mlp_test {

using namespace moe;
using namespace moe::testing;

namespace {
template <class A, class Biases>
using Of = Mlp<A, double, Cpu<>, Biases>;
using Biased = Of<Gelu, WithBiases>;
static_assert(std::is_same_v<Mlp<Gelu, BFloat16, Cpu<>, WithBiases>::rebind<double>, Biased>);
}  // namespace

TEMPLATE_TEST_CASE("an MLP's outputs match the reference, and its gradients match central differences",
                   "[modules][gradient][mlp]", Silu, Gelu, GeluTanh, Relu, ReluSquared) {
  SECTION("without biases") {
    check_dense<Of<TestType, WithoutBiases>>(3);
    check_as_experts<Of<TestType, WithoutBiases>>(3);
  }
  SECTION("with biases") {
    check_dense<Of<TestType, WithBiases>>(4);
    check_as_experts<Of<TestType, WithBiases>>(4);
  }
}

TEST_CASE("each weight and bias of an MLP can train alone", "[modules][mlp]") {
  check_frozen<Biased>();
  check_frozen<Of<ReluSquared, WithoutBiases>>();
}

TEST_CASE("forward and backward of an MLP accept no rows", "[modules][mlp]") { check_no_rows<Biased>(); }

TEST_CASE("an MLP's biases follow their weights in checkpoints", "[modules][mlp]") {
  CHECK(names_of<Biased>() == std::vector<std::string>{"mlp.up_proj.weight", "mlp.up_proj.bias", "mlp.down_proj.weight",
                                                       "mlp.down_proj.bias"});
  CHECK(names_of<Of<Relu, WithoutBiases>>() == std::vector<std::string>{"mlp.up_proj.weight", "mlp.down_proj.weight"});
}

TEST_CASE("an MLP's errors name the weights that do not fit", "[modules][mlp][misuse]") {
  const CpuContext context{.threads = 1};
  const Tensor x(2, 4);
  Biased layer(4, 6);
  layer.down_bias = Vector<double, Cpu<>>(5);
  CHECK_THROWS_WITH(layer.infer(context, x, Batch::single(2)),
                    "[Mlp::infer] biases must have 6 and 4 values, got 6 and 5");
  layer = Biased(4, 6);
  layer.up_proj = Tensor(5, 4);
  CHECK_THROWS_WITH(layer.infer(context, x, Batch::single(2)),
                    "[Mlp::infer] up_proj must be 6 x 4 as down_proj is 4 x 6, got 5 x 4");
}

}  // namespace mlp_test
