#include "moe/runtime/one_of.hpp"

#include "fusion/gate_fusion_check.hpp"
#include "fusion/output_fusion_check.hpp"
#include "moe/fusion/channel_fusion.hpp"
#include "moe/fusion/fixed_fusion.hpp"
#include "moe/fusion/matrix_fusion.hpp"
#include "moe/fusion/normalized_fusion.hpp"
#include "moe/fusion/scalar_fusion.hpp"

namespace one_of_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Scalar = ScalarFusion<double, B>;
using Channel = ChannelFusion<double, B>;
using MatrixOf = MatrixFusion<double, B>;
using OneGate = OneGateFusion<FixedFusion, NormalizedFusion, Scalar>;
using OneOutput = OneOutputFusion<double, B, Channel, MatrixOf>;
static_assert(GateFusion<OneGate> && OutputFusion<OneOutput>);

template <class F>
F fusion_over_gates() {
  if constexpr (std::is_same_v<F, Scalar>)
    return Scalar(0.6, -0.2);
  else
    return F();
}

template <class Fusion>
std::vector<std::string> names_of(const Fusion& fusion) {
  std::vector<std::string> names;
  for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); }, fusion);
  return names;
}

}  // namespace

TEMPLATE_TEST_CASE("OneGateFusion behaves as the fusion that it holds", "[runtime][gradient]", FixedFusion,
                   NormalizedFusion, Scalar) {
  auto plain = fusion_over_gates<TestType>();
  OneGate one(std::variant<FixedFusion, NormalizedFusion, Scalar>(fusion_over_gates<TestType>()));
  CHECK(names_of(one) == names_of(plain));
  CHECK(same_bits(check_gate_fusion(one), check_gate_fusion(plain)));
  CHECK(std::holds_alternative<TestType>(one.empty_tree().fusion));
}

TEMPLATE_TEST_CASE("OneOutputFusion behaves as the fusion that it holds", "[runtime][gradient]", Channel, MatrixOf) {
  TestType plain(3, 0.6, -0.2);
  OneOutput one(std::variant<Channel, MatrixOf>(TestType(3, 0.6, -0.2)));
  Draw first("one of"), second("one of");
  randomize(first, plain);
  randomize(second, one);
  CHECK(names_of(one) == names_of(plain));
  const Outputs in;
  CHECK(same_bits(in.fused(one), in.fused(plain)));
  check_output_fusion(one);
  CHECK(std::holds_alternative<TestType>(one.empty_tree().fusion));
}

}  // namespace one_of_test
