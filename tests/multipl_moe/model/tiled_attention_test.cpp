#include "multipl_moe/model/tiled_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace tiled_attention_test {

using namespace multipl_moe;
using moe::Index;
using moe::testing::Draw;
using moe::testing::random_matrix;

namespace {

using B = moe::Cpu<>;
using Tensor = moe::Matrix<double, B>;

/// Softmax attention by its formula, one query at a time.
Tensor plain_attention(AttentionShape s, const moe::Batch& batch, const Tensor& q, const Tensor& k, const Tensor& v) {
  Tensor o(q.rows(), q.cols());
  for (std::size_t b = 0; b + 1 < batch.offsets.size(); ++b)
    for (Index t = batch.offsets[b]; t < batch.offsets[b + 1]; ++t)
      for (Index h = 0; h < s.heads; ++h) {
        const Index kv = h * s.kv_heads / s.heads;
        std::vector<double> weight;
        double total = 0;
        const Index begin = s.window > 0 ? std::max(batch.offsets[b], t - s.window + 1) : batch.offsets[b];
        for (Index j = begin; j <= t; ++j) {
          double score = 0;
          for (Index c = 0; c < s.head_dim; ++c)
            score += q.view()(t, h * s.head_dim + c) * k.view()(j, kv * s.head_dim + c);
          weight.push_back(std::exp(score / std::sqrt(static_cast<double>(s.head_dim))));
          total += weight.back();
        }
        for (Index j = begin; j <= t; ++j)
          for (Index c = 0; c < s.head_dim; ++c)
            o.view()(t, h * s.head_dim + c) +=
                weight[static_cast<std::size_t>(j - begin)] / total * v.view()(j, kv * s.head_dim + c);
      }
  return o;
}

/// Results that were not overwritten show.
Tensor not_numbers(Index rows, Index cols) {
  Tensor x(rows, cols);
  std::fill_n(x.data(), x.size(), std::numeric_limits<double>::quiet_NaN());
  return x;
}

}  // namespace

TEST_CASE("tiled attention equals the plain formula, with grouped heads, windows and ragged sequences", "[model]") {
  // Windows within a tile, around its edges, and longer than a sequence.
  const auto window = GENERATE(as<Index>{}, 0, 1, 5, 63, 64, 65, 66, 130, 151);
  INFO("window " << window);
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 6, .window = window};
  const moe::Batch batch = moe::Batch::ragged({150, 1, 0, 64, 65});
  Draw draw("attention");
  auto q = random_matrix<double, B>(draw, 280, 24, 2), k = random_matrix<double, B>(draw, 280, 12, 2);
  auto v = random_matrix<double, B>(draw, 280, 12);
  const moe::CpuContext context{.threads = 2};
  const TiledAttention<double, B> attention(shape, batch);
  Tensor o = not_numbers(280, 24), lse = not_numbers(280, 4);
  attention.forward(context, q, k, v, o.view(), lse.view());
  CHECK(moe::testing::nmse(moe::testing::values_of(plain_attention(shape, batch, q, k, v)),
                           moe::testing::values_of(o)) < 1e-24);

  const auto c = random_matrix<double, B>(draw, 280, 24);
  Tensor d_q = not_numbers(280, 24), d_k = not_numbers(280, 12), d_v = not_numbers(280, 12);
  attention.backward(context, c, q, k, v, o, lse, d_q.view(), d_k.view(), d_v.view());
  for (const Tensor* gradient : {&d_q, &d_k, &d_v})
    CHECK(
        std::all_of(gradient->data(), gradient->data() + gradient->size(), [](double x) { return std::isfinite(x); }));
  const auto loss = [&] {
    Tensor y(280, 24), unused(280, 4);
    attention.forward(context, q, k, v, y.view(), unused.view());
    return moe::testing::inner(c, y);
  };
  moe::testing::check_component_gradients("q", q.view(), d_q.view(), loss, moe::testing::component_bar, 40);
  moe::testing::check_component_gradients("k", k.view(), d_k.view(), loss, moe::testing::component_bar, 40);
  moe::testing::check_component_gradients("v", v.view(), d_v.view(), loss, moe::testing::component_bar, 40);
}

TEST_CASE("large scores do not overflow", "[model]") {
  const moe::Batch batch = moe::Batch::single(70);
  Draw draw("large scores");
  const auto q = random_matrix<double, B>(draw, 70, 4, 1e3), k = random_matrix<double, B>(draw, 70, 4, 1e3);
  const auto v = random_matrix<double, B>(draw, 70, 4);
  Tensor o(70, 4), lse(70, 1);
  TiledAttention<double, B>({.head_dim = 4}, batch).forward({.threads = 1}, q, k, v, o.view(), lse.view());
  for (Index i = 0; i < o.size(); ++i) CHECK(std::isfinite(o.data()[i]));
}

TEST_CASE("a score that is not a number makes the rows that see it not a number", "[model]") {
  const moe::Batch batch = moe::Batch::single(70);
  Draw draw("not a number");
  const auto q = random_matrix<double, B>(draw, 70, 4), v = random_matrix<double, B>(draw, 70, 4);
  // The first key of the first tile, a later one of it, and one of the second tile.
  for (const Index key : {0, 5, 66}) {
    auto k = random_matrix<double, B>(draw, 70, 4);
    k.view()(key, 1) = std::numeric_limits<double>::quiet_NaN();
    Tensor o(70, 4), lse(70, 1);
    TiledAttention<double, B>({.head_dim = 4}, batch).forward({.threads = 1}, q, k, v, o.view(), lse.view());
    for (Index t = 0; t < 70; ++t) CHECK(std::isnan(o.view()(t, 0)) == (t >= key));
  }
}

}  // namespace tiled_attention_test
