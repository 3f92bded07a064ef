#include "moe/experts/swiglu.hpp"

#include "feed_forward_check.hpp"

namespace experts_swiglu_test {

using namespace moe;
using namespace moe::testing;

namespace {
using Layer = SwiGlu<double, Cpu<>>;
static_assert(Expert<Layer>);
static_assert(std::is_same_v<SwiGlu<float, Cpu<>>::rebind<double>, Layer>);
static_assert(std::is_same_v<Layer, Glu<Silu, double, Cpu<>, WithoutBiases>>);
static_assert(Layer::name == "SwiGlu");
}  // namespace

TEST_CASE("SwiGlu's outputs match the reference, and its gradients match central differences", "[modules][gradient]") {
  check_dense<Layer>(0);
}

TEST_CASE("forward and backward of SwiGlu accept no rows", "[modules]") { check_no_rows<Layer>(); }

TEST_CASE("SwiGlu's parameters have the names of checkpoints", "[modules]") {
  CHECK(names_of<Layer>() ==
        std::vector<std::string>{"mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight"});
}

}  // namespace experts_swiglu_test
