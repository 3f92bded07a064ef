#include "moe/routing/routing_module.hpp"

#include "moe/backend/shape/shape.hpp"
#include "moe/experts/swiglu.hpp"
#include "moe/layers/hybrid_moe.hpp"
#include "moe/layers/presets.hpp"
#include "moe/layers/segment_moe.hpp"
#include "moe/layers/token_moe.hpp"
#include "moe/routing/noisy_top_k.hpp"
#include "moe/runtime/any_layer.hpp"
#include "moe/train/upcycle.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace routing_module_test {

using namespace moe;
using namespace moe::testing;

namespace {

using B = Cpu<>;
using Ffn = SwiGlu<double, B>;

/// Every row is routed to every expert, with one learned weight per expert: a minimal module.
struct LearnedMixture : StatelessRouting<LearnedMixture, double, B> {
  struct Saved {
    Matrix<double, B> weights_TE;
  };
  using RoutingResult = RoutingResultOf<Saved, Real, Backend>;
  Tensor share;

  LearnedMixture() = default;
  explicit LearnedMixture(Index width, Index experts) : share(1, experts), width_(width) {}
  Index width() const { return width_; }
  Index experts() const { return share.cols(); }
  bool keeps(const Saved& saved, Index rows) const {
    return saved.weights_TE.rows() == rows && saved.weights_TE.cols() == experts();
  }
  template <class Mode>
  RoutingResult route(const Context& context, ConstView x_TD, const Batch&) const {
    Saved saved{Tensor(x_TD.rows, experts())};
    Matrix<ChoiceOrder, B> chosen_TE(x_TD.rows, experts());
    for (Index t = 0; t < x_TD.rows; ++t)
      for (Index e = 0; e < experts(); ++e) {
        chosen_TE.view()(t, e) = static_cast<ChoiceOrder>(e + 1);
        saved.weights_TE.view()(t, e) = share.data()[e];
      }
    auto route = begin_route<Real, B>(context, std::move(chosen_TE), saved.weights_TE.copy());
    return {std::move(route), std::move(saved)};
  }
  template <class GradientTree>
  void backward(const Context&, const PlanPart<B>& part, View<const Real, B> d_weights_1N, const LossGradients&,
                const Saved&, ConstView, GradientTree& gradient, View<Value, B>) const {
    if (gradient.share.empty()) return;
    for (Index n = 0; n < part.pairs(); ++n)
      gradient.share.data()[part.experts_1N(0, n) - part.first_expert] += d_weights_1N(0, n);
  }
  LearnedMixture empty_tree() const {
    LearnedMixture tree;
    tree.width_ = width_;
    return tree;
  }
  template <class Visit, class... Trees>
  static void visit_parameters(Visit&& visit, const auto& prefix, Trees&&... trees) {
    visit(prefix + "share", trees.share...);
  }

 private:
  Index width_ = 0;
};

struct StatsWithoutLosses : LearnedMixture {
  struct Stats {};
};

static_assert(RoutingModule<LearnedMixture>);
static_assert(!RoutingModule<StatsWithoutLosses>);
static_assert(!RoutingModule<TopK>);
static_assert(RoutingModule<NoisyTopK<double, B>>);
static_assert(RoutingModule<NoisyTopK<BFloat16, Shape>>);
static_assert(RoutingModule<Mixtral<double, B>::Routing>);

auto mixture() { return TokenMoE(LearnedMixture(4, 3), ExpertBank<Ffn>(3, 4, 5)); }

}  // namespace

TEST_CASE("a stateless routing module needs only route and backward", "[routing][gradient]") {
  auto layer = mixture();
  Draw draw("learned mixture");
  randomize(draw, layer);
  auto x_TD = random_matrix<double, B>(draw, 6, 4);
  check_layer_gradients(layer, x_TD, Batch::single(6), 1);
  const CpuContext context;
  auto state = layer.begin_decoding(context, 6);
  const Tensor inferred_TD = layer.infer(context, x_TD, Batch::single(6));
  CHECK(same_bits(layer.decode(context, x_TD, {}, state), inferred_TD));
  CHECK(same_bits(layer.prefill(context, x_TD, Batch::sequences(6, 1), state), inferred_TD));
}

TEST_CASE("a custom routing module works inside HybridMoE and AnyLayer, and is upcycled", "[routing]") {
  const CpuContext context;
  Draw draw("learned mixture, elsewhere");
  Ffn dense(4, 5);
  randomize(draw, dense);
  auto x_TD = random_matrix<double, B>(draw, 6, 4);
  HybridMoE hybrid(mixture(),
                   SegmentMoE(FixedWindow{.window = 2}, PreviousMean<double, B>(4), TopK{.k = 2}, SoftmaxOverAll{},
                              Unlimited{}, ExpertBank<Ffn>(2, 4, 5)),
                   FixedFusion{});
  upcycle(context, dense, hybrid, {.seed = 1, .router_deviation = 0.5});
  CHECK(values_of(hybrid.token.routing.share) != std::vector<double>(3, 0));
  check_layer_gradients(hybrid, x_TD, Batch::single(6), 1);
  AnyLayer<double, B> any(std::move(hybrid));
  auto gradient = gradient_for(any);
  auto run = any.forward(context, x_TD, Batch::single(6));
  CHECK(run.stats.balance_loss() == 0);
  any.backward(context, run.output, {.balance = 1}, std::move(run.saved), gradient);
}

}  // namespace routing_module_test
