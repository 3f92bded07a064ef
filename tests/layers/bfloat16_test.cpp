/// Layers of bfloat16 on the CPU.
#include "backend/cpu/instruction_sets.hpp"
#include "support/ask.hpp"

namespace bfloat16_layers_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;

/// The output and d_x of a layer for rows of several groups, as bits.
std::vector<std::uint16_t> bits_of_a_step(int threads) {
  TokenMoE layer(TopK{.k = 2}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<SwiGlu<BFloat16, B>>(3, 45, 67));
  const CpuContext context{.threads = threads};
  initialize(context, layer, /*seed=*/1, /*deviation=*/0.3);
  Matrix<BFloat16, B> x_TD(530, 45);
  for (Index i = 0; i < x_TD.size(); ++i)
    x_TD.data()[i] = BFloat16(static_cast<float>(random_normal({.seed = 1}, static_cast<std::uint64_t>(i))));
  auto gradient = accum_gradient_for(layer);
  auto forward = layer.forward(context, x_TD, Batch::single(530));
  const auto d_x_TD = layer.backward(context, x_TD, {.balance = 0.1}, std::move(forward.saved), gradient);
  std::vector<std::uint16_t> bits;
  for (const Matrix<BFloat16, B>* const values : {&std::as_const(forward.output), &d_x_TD})
    for (Index i = 0; i < values->size(); ++i) bits.push_back(values->data()[i].bits);
  const auto inferred = layer.infer(context, x_TD, Batch::single(530));
  CHECK(same_bits(inferred, forward.output));
  return bits;
}

}  // namespace

TEST_CASE("layers of bfloat16 on the CPU match the reference", "[layers][conformance]") {
  check_compositions<float, BFloat16>("cpu, bfloat16", ask<BFloat16, B>, 100);
}

TEST_CASE("gradients of layers of bfloat16 on the CPU match those in double", "[layers][gradient]") {
  for_each_instruction_set([] { check_gradients<BFloat16>(ask<BFloat16, B>, 5e-2); });
}

TEST_CASE("layers of bfloat16 are bitwise identical for any number of threads", "[layers][determinism]") {
  for_each_instruction_set([] {
    const auto expected = bits_of_a_step(1);
    for (const int threads : {2, 3, 7}) CHECK(bits_of_a_step(threads) == expected);
  });
}

}  // namespace bfloat16_layers_test
