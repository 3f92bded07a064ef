#include "support/causality.hpp"

#include "support/catch.hpp"

namespace causality_test {

using namespace moe;
using namespace moe::testing;

namespace {

const Sizes sizes{.width = 6, .hidden = 5, .experts = 4, .k = 2, .shared = 1, .window = 3};
const Batch ragged = Batch::ragged({11, 0, 5, 8, 1});
constexpr std::uint32_t subjects = 10;

/// Far above any rounding.
constexpr double plain_to_see = 1e-2;

template <class Layer, class Measure>
double largest_of_all(const Batch& batch, const Measure& measure) {
  double largest = 0;
  for (std::uint32_t i = 0; i < subjects; ++i) largest = std::max(largest, measure(Subject<Layer>(sizes, batch, i)));
  return largest;
}
template <class Layer>
double later_change() {
  return largest_of_all<Layer>(ragged, [](const auto& s) { return deviation_after_later_change(s, ragged); });
}
template <class Layer>
double batch_mates() {
  return largest_of_all<Layer>(ragged, [](const auto& s) { return deviation_without_batch_neighbors(s, ragged); });
}
template <class Layer>
double decoding() {
  return largest_of_all<Layer>(Batch::sequences(3, 11), [](const auto& s) { return deviation_of_decoding(s, 3, 11); });
}

template <class Layer>
double prefill() {
  return largest_of_all<Layer>(Batch::sequences(3, 11), [](const auto& s) { return deviation_after_prefill(s, 11); });
}

template <class Real>
using Causal = CausalMultiPlMoe<Real, Cpu<>, NormalizedFusion>;
using LooksAhead = MultiPlMoe<double, Cpu<>, NormalizedFusion>;
using Competes = TokenMoE<ExpertChoice, SoftmaxOverAll, SegmentCapacity, Ffn<double>>;
/// Segments routed by their own mean, with thresholds in inference: it looks ahead, but only within its own sequence.
using OwnMeanByThreshold = SegmentMoE<FixedWindow, OwnMean<double, Cpu<>>, TrainInfer<ExpertChoice, ThresholdChoice>,
                                      SoftmaxOverAll, SegmentCapacity, Ffn<double>>;

}  // namespace

TEMPLATE_TEST_CASE(
    "outputs of a causal layer do not depend on later rows or batch neighbors, and decoding matches infer",
    "[layers][causality]", Causal<double>, Causal<float>, (Mixtral<double, Cpu<>>), TokenExpertChoice<double>,
    SegmentByLine<double>, SegmentPooledBefore<double>,
    (CausalMultiPlMoe<double, Cpu<>, MatrixFusion<double, Cpu<>>>)) {
  INFO("MOE_TEST_SEED=" << seed());
  STATIC_REQUIRE(TestType::is_causal);
  STATIC_REQUIRE(TestType::is_batch_invariant);
  constexpr double bar = Tolerance<typename TestType::Value>::relative;
  CHECK(later_change<TestType>() <= bar);
  CHECK(batch_mates<TestType>() <= bar);
  CHECK(decoding<TestType>() <= bar);
  CHECK(prefill<TestType>() <= bar);
}

// tests/compile_fail checks that these layers do not decode.
TEMPLATE_TEST_CASE("the same measurements find that the other layers depend on later rows and batch neighbors",
                   "[layers][causality]", LooksAhead, Competes, SegmentLiteral<double>, SegmentReleased<double>,
                   Dropping<double>) {
  STATIC_REQUIRE_FALSE(TestType::is_causal);
  STATIC_REQUIRE_FALSE(TestType::is_batch_invariant);
  CHECK(later_change<TestType>() > plain_to_see);
  CHECK(batch_mates<TestType>() > plain_to_see);
}

TEST_CASE("causality and batch invariance are separate properties", "[layers][causality]") {
  STATIC_REQUIRE_FALSE(OwnMeanByThreshold::is_causal);
  STATIC_REQUIRE(OwnMeanByThreshold::is_batch_invariant);
  CHECK(later_change<OwnMeanByThreshold>() > plain_to_see);
  CHECK(batch_mates<OwnMeanByThreshold>() <= Tolerance<double>::relative);
}

}  // namespace causality_test
