/// The operations of a model on values of bfloat16, compared with those on the same values in float.
#include <cmath>
#include <cstdint>
#include <vector>

#include "moe/ops/add.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/walk.hpp"
#include "multipl_moe/model/attention.hpp"
#include "multipl_moe/model/cross_entropy.hpp"
#include "multipl_moe/model/embedding.hpp"
#include "multipl_moe/model/rms_norm.hpp"
#include "support/catch.hpp"
#include "support/tolerance.hpp"

namespace bfloat16_operations_test {

using namespace multipl_moe;
using moe::BFloat16;
using moe::Index;
using moe::testing::nmse;

namespace {

using B = moe::Cpu<>;
using Narrow = moe::Matrix<BFloat16, B>;
using Wide = moe::Matrix<float, B>;
const moe::CpuContext context{.threads = 2};
/// One rounding to bfloat16 has a relative error of at most 2^-9, of which the mean square is 1.3e-6.
constexpr double one_rounding = 4e-6, few_roundings = 5e-5, gradients = 3e-4;

Narrow drawn(const char* name, Index rows, Index cols) {
  Narrow x(rows, cols);
  moe::draw_normal(context, x, 7, name, 1);
  return x;
}
Wide as_float(const Narrow& x) {
  Wide wide(x.rows(), x.cols());
  moe::convert(context, x.view(), wide.view());
  return wide;
}
template <class Tensor>
std::vector<double> numbers_of(const Tensor& tensor) {
  std::vector<double> numbers;
  for (Index i = 0; i < tensor.size(); ++i) numbers.push_back(static_cast<double>(moe::widened(tensor.data()[i])));
  return numbers;
}
template <class Expected, class Found>
double deviation(const Expected& expected, const Found& found) {
  return nmse(numbers_of(expected), numbers_of(found));
}

/// The same module in bfloat16 and in float, with equal values.
template <class Module, class WideModule>
void draw_both(Module& module, WideModule& wide) {
  moe::initialize(context, module, 5, 0.3);
  moe::round_weights(context, module, wide);
}

}  // namespace

TEST_CASE("RMSNorm of bfloat16 rounds its results once", "[model][bfloat16]") {
  const Index width = 45, rows = 70;
  RmsNorm<BFloat16, B> norm(width, 1e-6);
  moe::draw_normal(context, norm.weight, 3, "weight", 1);
  RmsNorm<float, B> wide(width, 1e-6);
  moe::convert(context, norm.weight.const_view(), wide.weight.view());
  const auto x = drawn("x", rows, width), d_y = drawn("d_y", rows, width);
  const auto [y, scale] = norm.forward(context, x);
  const auto [wide_y, wide_scale] = wide.forward(context, as_float(x));
  CHECK(numbers_of(scale) == numbers_of(wide_scale));
  for (Index i = 0; i < y.size(); ++i) REQUIRE(y.data()[i].bits == BFloat16(wide_y.data()[i]).bits);

  auto gradient = norm.empty_tree_of<float>(), wide_gradient = wide.empty_tree();
  gradient.weight = moe::Vector<float, B>(width);
  wide_gradient.weight = moe::Vector<float, B>(width);
  auto d_x = drawn("d_x", rows, width);
  auto wide_d_x = as_float(d_x);
  norm.add_backward(context, d_y, x, scale, d_x.view(), gradient);
  wide.add_backward(context, as_float(d_y), as_float(x), wide_scale, wide_d_x.view(), wide_gradient);
  CHECK(deviation(wide_d_x, d_x) < one_rounding);
  CHECK(deviation(wide_gradient.weight, gradient.weight) < 1e-10);
}

TEST_CASE("attention on bfloat16 agrees with float, forward, backward and decoding", "[model][bfloat16]") {
  const bool has_norms = GENERATE(false, true);
  const Index window = GENERATE(0, 30);
  const Index width = 24;
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 8, .window = window};
  const AttentionParts parts{.has_bias = true, .has_norms = has_norms};
  Attention<BFloat16, B> attention(width, shape, parts);
  Attention<float, B> wide(width, shape, parts);
  draw_both(attention, wide);
  const moe::Batch batch = moe::Batch::ragged({70, 33});
  const auto x = drawn("x", 103, width), d_y = drawn("d_y", 103, width);
  auto [y, saved] = attention.forward(context, x, batch);
  auto [wide_y, wide_saved] = wide.forward(context, as_float(x), batch);
  CHECK(deviation(wide_y, y) < few_roundings);
  auto gradient = moe::accum_gradient_for(attention), wide_gradient = moe::gradient_for(wide);
  const auto d_x = attention.backward(context, d_y, x, batch, std::move(saved), gradient);
  const auto wide_d_x = wide.backward(context, as_float(d_y), as_float(x), batch, std::move(wide_saved), wide_gradient);
  CHECK(deviation(wide_d_x, d_x) < gradients);
  // The bias of keys has no gradient but rounding: softmax does not depend on a constant.
  moe::for_each_parameter(
      [&](const std::string& name, const auto& expected, const auto& found) {
        INFO(name);
        if (name != "k_proj.bias") CHECK(deviation(expected, found) < gradients);
      },
      wide_gradient, gradient);

  const moe::Batch one = moe::Batch::single(70);
  auto cache = attention.begin_decoding(1);
  const auto first = attention.prefill(context, x.view().rows_between(0, 40), moe::Batch::single(40), cache);
  const auto whole = attention.forward(context, x.view().rows_between(0, 70), one).first;
  CHECK(nmse(numbers_of(whole), [&] {
          std::vector<double> numbers = numbers_of(first);
          for (Index t = 40; t < 70; ++t)
            for (const double number : numbers_of(attention.decode(context, x.view().rows_between(t, t + 1), cache)))
              numbers.push_back(number);
          return numbers;
        }()) < few_roundings);
}

TEST_CASE("the loss of bfloat16 has the digits of float", "[model][bfloat16]") {
  const Index width = 40, vocabulary = 301, rows = 37;
  auto head = moe::Linear<BFloat16, B>::without_bias(width, vocabulary);
  auto wide = moe::Linear<float, B>::without_bias(width, vocabulary);
  draw_both(head, wide);
  const auto h = drawn("h", rows, width);
  std::vector<std::int32_t> targets;
  for (Index t = 0; t < rows; ++t) targets.push_back(static_cast<std::int32_t>(t * 17 % vocabulary));
  auto gradient = moe::accum_gradient_for(head), wide_gradient = moe::gradient_for(wide);
  const CrossEntropy<BFloat16, B> loss(16);
  const CrossEntropy<float, B> wide_loss(16);
  const auto found = loss.loss_and_gradient(context, head, h, targets, 0.5, gradient);
  const auto expected = wide_loss.loss_and_gradient(context, wide, as_float(h), targets, 0.5, wide_gradient);
  CHECK(found.loss == Catch::Approx(expected.loss).epsilon(1e-5));
  CHECK(deviation(expected.d_h_TD, found.d_h_TD) < few_roundings);
  CHECK(deviation(wide_gradient.weight, gradient.weight) < few_roundings);
  const auto scores = loss.score(context, head, h, targets);
  const auto wide_scores = wide_loss.score(context, wide, as_float(h), targets);
  CHECK(scores.hits == wide_scores.hits);
  for (std::size_t t = 0; t < targets.size(); ++t)
    CHECK(scores.losses[t] == Catch::Approx(wide_scores.losses[t]).epsilon(1e-5));
}

TEST_CASE("a projection of bfloat16 that is not rounded adds its bias in float", "[model][bfloat16]") {
  auto linear = moe::Linear<BFloat16, B>::with_bias(40, 50);
  auto wide = moe::Linear<float, B>::with_bias(40, 50);
  moe::draw_normal(context, linear.weight, 1, "weight", 0.3);
  moe::draw_normal(context, linear.bias, 1, "bias", 0.3);
  moe::round_weights(context, linear, wide);
  // Few rows and many take different kernels.
  for (const Index rows : {1, 33}) {
    const auto x = drawn("x", rows, 40);
    const auto y = linear.forward_unrounded(context, x), wide_y = wide.forward(context, as_float(x));
    CHECK(deviation(wide_y, y) < 1e-10);
    const auto rounded = linear.forward(context, x);
    CHECK(deviation(wide_y, rounded) > 1e-7);
  }
}

TEST_CASE("the sum of two rows of bfloat16 is rounded once", "[model][bfloat16]") {
  const auto from = drawn("from", 70, 45);
  auto sum = drawn("to", 70, 45);
  const auto before = as_float(sum), added = as_float(from);
  add_rows(context, from, sum.view());
  for (Index i = 0; i < sum.size(); ++i)
    REQUIRE(sum.data()[i].bits == BFloat16(before.data()[i] + added.data()[i]).bits);
}

TEST_CASE("the embedding of bfloat16 sums its gradient in float", "[model][bfloat16]") {
  Embedding<BFloat16, B> embedding{moe::Linear<BFloat16, B>::without_bias(24, 7)};
  moe::initialize(context, embedding, 3, 1);
  const std::vector<std::int32_t> tokens(600, 5);
  const auto x = embedding.forward(context, tokens);
  for (Index d = 0; d < 24; ++d) REQUIRE(x.view()(599, d).bits == embedding.table.weight.view()(5, d).bits);
  auto gradient = moe::accum_gradient_for(embedding);
  const auto d_x = drawn("d_x", 600, 24);
  embedding.backward(context, d_x, tokens, gradient);
  for (Index d = 0; d < 24; ++d) {
    double sum = 0;
    for (Index t = 0; t < 600; ++t) sum += static_cast<double>(moe::widened(d_x.view()(t, d)));
    CHECK(gradient.table.weight.view()(5, d) == Catch::Approx(sum).margin(1e-3));
    CHECK(gradient.table.weight.view()(4, d) == 0);
  }
}

}  // namespace bfloat16_operations_test
