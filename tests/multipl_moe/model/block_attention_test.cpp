/// BlockAttention on the host, in double.
#include "multipl_moe/model/block_attention.hpp"

#include <cmath>
#include <limits>

#include "../device/check_attention.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace block_attention_test {

using namespace multipl_moe;
using moe::Index;
using moe::testing::Draw;
using moe::testing::random_matrix;

namespace {

using B = moe::Cpu<>;
using Tensor = moe::Matrix<double, B>;

}  // namespace

TEST_CASE("attention in blocks equals attention in tiles, for any grouping of heads, window and length", "[model]") {
  multipl_moe::testing::AttentionChecks<double, B>::all();
}

TEST_CASE("the gradient of attention in blocks matches central differences", "[model]") {
  const auto window = GENERATE(as<Index>{}, 0, 5);
  const AttentionShape shape{.heads = 4, .kv_heads = 2, .head_dim = 6, .window = window};
  const moe::Batch batch = moe::Batch::ragged({13, 1, 8});
  Draw draw("gradient of attention in blocks");
  auto q = random_matrix<double, B>(draw, 22, 24), k = random_matrix<double, B>(draw, 22, 12),
       v = random_matrix<double, B>(draw, 22, 12);
  const auto c = random_matrix<double, B>(draw, 22, 24);
  const moe::CpuContext context{.threads = 1};
  const auto places = BlockAttention<double, B>::places(context, batch);
  const BlockAttention<double, B> attention(shape, batch, places, {.tile = 4});
  const auto loss = [&] { return moe::testing::inner(c, attention.attend(context, q, k, v).o_TA); };
  const auto d = attention.gradient(context, c, q, k, v, attention.attend(context, q, k, v));
  moe::testing::check_component_gradients("q", q.view(), d.d_q_TA.view(), loss, moe::testing::component_bar);
  moe::testing::check_component_gradients("k", k.view(), d.d_k_TC.view(), loss, moe::testing::component_bar);
  moe::testing::check_component_gradients("v", v.view(), d.d_v_TC.view(), loss, moe::testing::component_bar);
}

TEST_CASE("attention in blocks does not overflow, and shows scores that are not numbers", "[model]") {
  const moe::Batch batch = moe::Batch::single(10);
  Draw draw("scores in blocks");
  const auto places = BlockAttention<double, B>::places({}, batch);
  const BlockAttention<double, B> attention({.head_dim = 4}, batch, places, {.tile = 4});
  const auto v = random_matrix<double, B>(draw, 10, 4);
  const auto large =
      attention.attend({}, random_matrix<double, B>(draw, 10, 4, 1e3), random_matrix<double, B>(draw, 10, 4, 1e3), v);
  for (Index i = 0; i < large.o_TA.size(); ++i) CHECK(std::isfinite(large.o_TA.data()[i]));
  for (const Index key : {0, 2, 5}) {
    const auto q = random_matrix<double, B>(draw, 10, 4);
    auto k = random_matrix<double, B>(draw, 10, 4);
    k.view()(key, 1) = std::numeric_limits<double>::quiet_NaN();
    const auto output = attention.attend({}, q, k, v);
    for (Index t = 0; t < 10; ++t) CHECK(std::isnan(output.o_TA.view()(t, 0)) == (t >= key));
  }
}

}  // namespace block_attention_test
