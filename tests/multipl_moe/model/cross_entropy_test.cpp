#include "moe/backend/cpu/cpu.hpp"

#include "multipl_moe/model/cross_entropy.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace cross_entropy_test {

using namespace multipl_moe;
using moe::Index;

namespace {

using B = moe::Cpu<>;

struct Case {
  moe::CpuContext context{.threads = 2};
  moe::Linear<double, B> head = moe::Linear<double, B>::without_bias(6, 11);
  moe::Matrix<double, B> h;
  std::vector<std::int32_t> targets;

  Case() {
    moe::testing::Draw draw("cross entropy");
    moe::testing::fill_normal(draw, head.weight.view());
    h = moe::testing::random_matrix<double, B>(draw, 23, 6);
    for (int t = 0; t < 23; ++t) targets.push_back(static_cast<std::int32_t>(draw.between(0, 10)));
  }
};

}  // namespace

TEST_CASE("the loss is -log softmax of the target, for any chunk size", "[model]") {
  const Case c;
  const auto logits = c.head.forward(c.context, c.h);
  double expected = 0;
  int hits = 0;
  for (Index t = 0; t < 23; ++t) {
    double total = 0;
    Index best = 0;
    for (Index v = 0; v < 11; ++v) {
      total += std::exp(logits.view()(t, v));
      if (logits.view()(t, v) > logits.view()(t, best)) best = v;
    }
    expected += std::log(total) - logits.view()(t, c.targets[static_cast<std::size_t>(t)]);
    hits += best == c.targets[static_cast<std::size_t>(t)];
  }
  for (const Index chunk : {1, 4, 23, 100}) {
    auto gradient = moe::Linear<double, B>::without_bias(6, 11);
    const CrossEntropy<double, B> loss(chunk);
    CHECK(loss.loss_and_gradient(c.context, c.head, c.h, c.targets, 1, gradient).loss ==
          Catch::Approx(expected).epsilon(1e-12));
    const auto scores = loss.score(c.context, c.head, c.h, c.targets);
    double sum = 0;
    int hit = 0;
    for (std::size_t t = 0; t < 23; ++t) sum += scores.losses[t], hit += scores.hits[t];
    CHECK(sum == Catch::Approx(expected).epsilon(1e-12));
    CHECK(hit == hits);
  }
}

TEST_CASE("the gradient of the cross-entropy matches central differences", "[model]") {
  Case c;
  const CrossEntropy<double, B> loss_of(4);
  const auto loss = [&] {
    moe::Linear<double, B> unused;
    return loss_of.loss_and_gradient(c.context, c.head, c.h, c.targets, 0.5, unused).loss;
  };
  auto gradient = moe::Linear<double, B>::without_bias(6, 11);
  const auto d_h = loss_of.loss_and_gradient(c.context, c.head, c.h, c.targets, 0.5, gradient).d_h_TD;
  moe::testing::check_component_gradients("h", c.h.view(), d_h.view(), loss, moe::testing::component_bar);
  moe::testing::check_component_gradients("head", c.head.weight.view(), gradient.weight.view(), loss,
                                          moe::testing::component_bar);
}

TEST_CASE("a target outside the vocabulary is refused", "[model]") {
  Case c;
  c.targets[7] = 11;
  const CrossEntropy<double, B> loss;
  CHECK_THROWS_WITH(loss.score(c.context, c.head, c.h, c.targets),
                    "[CrossEntropy] targets must lie in [0, 11), got 11");
  moe::Linear<double, B> unused;
  CHECK_THROWS_AS(loss.loss_and_gradient(c.context, c.head, c.h, c.targets, 1, unused), moe::Error);
}

}  // namespace cross_entropy_test
