/// The operations of a model on values of bfloat16, compared with those on the same values in float.
#include <cmath>
#include <cstdint>
#include <vector>

#include "bfloat16_values.hpp"
#include "multipl_moe/model/cross_entropy.hpp"
#include "multipl_moe/model/embedding.hpp"
#include "multipl_moe/model/rms_norm.hpp"
#include "multipl_moe/model/rows.hpp"
#include "multipl_moe/model/tiled_attention.hpp"
#include "support/catch.hpp"

namespace bfloat16_operations_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::BFloat16;
using moe::Index;

namespace {

using B = moe::Cpu<>;
const moe::CpuContext& context = two_threads;

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

TEST_CASE("attention of bfloat16 in tiles agrees with float", "[model][bfloat16]") {
  const Index window = GENERATE(0, 70);
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 24, .window = window};
  const moe::Batch batch = moe::Batch::ragged({150, 37});
  const Index rows = 187, queries = 4 * 24, keys = 2 * 24;
  const auto q = drawn("q", rows, queries), k = drawn("k", rows, keys), v = drawn("v", rows, keys);
  const auto d_o = drawn("d_o", rows, queries);
  WideMatrix o(rows, queries), wide_o(rows, queries), lse(rows, 4), wide_lse(rows, 4);
  const TiledAttention<BFloat16, B> attention(shape, batch);
  const TiledAttention<float, B> wide(shape, batch);
  attention.forward(context, q, k, v, o.view(), lse.view());
  wide.forward(context, as_float(q), as_float(k), as_float(v), wide_o.view(), wide_lse.view());
  CHECK(deviation(wide_o, o) < few_roundings);
  CHECK(deviation(wide_lse, lse) < 1e-8);
  WideMatrix d_q(rows, queries), d_k(rows, keys), d_v(rows, keys);
  WideMatrix wide_d_q(rows, queries), wide_d_k(rows, keys), wide_d_v(rows, keys);
  const auto rounded_o = narrowed_rows<B>(context, o.const_view());
  attention.backward(context, d_o, q, k, v, rounded_o, lse, d_q.view(), d_k.view(), d_v.view());
  wide.backward(context, as_float(d_o), as_float(q), as_float(k), as_float(v), wide_o, wide_lse, wide_d_q.view(),
                wide_d_k.view(), wide_d_v.view());
  CHECK(deviation(wide_d_q, d_q) < gradients);
  CHECK(deviation(wide_d_k, d_k) < gradients);
  CHECK(deviation(wide_d_v, d_v) < gradients);
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
  RowOperations<BFloat16, B>::add(context, from, sum.view());
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
