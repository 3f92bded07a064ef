#include "moe/layers/token_moe.hpp"

#include <numeric>

#include "support/conformance.hpp"
#include "support/gradient_check.hpp"

namespace token_moe_test {

using namespace moe;
using namespace moe::testing;

TEMPLATE_TEST_CASE("TokenMoE's outputs match the reference", "[layers][conformance]", float, double) {
  Corners corners;
  for (const auto& composition : any_compositions<TestType>().token)
    check_against_reference<TestType>(composition, "token", corners);
  CHECK(corners.no_rows > 0);
  CHECK(corners.one_row > 0);
  CHECK(corners.one_expert > 0);
  CHECK(corners.k_is_all > 0);
  CHECK(corners.ties > 0);
  CHECK(corners.idle_expert > 0);
  CHECK(corners.one_takes_all > 0);
  CHECK(corners.capacity_above_rows > 0);
  CHECK(corners.dropped > 0);
  CHECK(corners.empty_row > 0);
}

namespace {

const Sizes sizes{.width = 5, .hidden = 7, .experts = 4, .k = 2, .shared = 2, .capacity_factor = 1.5};
const Index rows = 9;

template <class R, class N, class C>
using Double = TokenMoE<R, N, C, Ffn<double>>;

}  // namespace

TEMPLATE_TEST_CASE("TokenMoE's gradients match central differences", "[layers][gradient]", (Mixtral<double, Cpu<>>),
                   (Qwen15Moe<double, Cpu<>>), (SharedRouted<double>), (TokenExpertChoice<double>), (Dropping<double>),
                   (DroppingRaw<double>), (Double<SharedTopK, SoftmaxOverAll, Unlimited>),
                   (Double<ExpertChoice, SoftmaxOverChosen, SegmentCapacity>)) {
  auto layer = build<TestType>(sizes);
  const Batch batch = Batch::single(rows);
  Tensor x_TD = draw_clear(layer, batch, testing::Phase::training, gradient_margin);
  SECTION("of the output alone") { check_layer_gradients(layer, x_TD, batch, 0); }
  SECTION("of the output, the balance loss and the z-loss") { check_layer_gradients(layer, x_TD, batch, 1.7); }
}

TEMPLATE_TEST_CASE("gradients of gates normalized after dropping match central differences", "[layers][gradient]",
                   Dropping<double>, DroppingRaw<double>) {
  Sizes s = sizes;
  s.capacity_factor = 0.6;
  s.normalize = NormalizeGates::after_dropping;
  auto layer = build<TestType>(s);
  const Batch batch = Batch::single(rows);
  Tensor x_TD = draw_clear(layer, batch, testing::Phase::training, gradient_margin);
  const auto dropped = layer.forward(CpuContext{}, x_TD, batch).stats.dropped;
  CHECK(std::accumulate(dropped.begin(), dropped.end(), Index{0}) > 0);
  check_layer_gradients(layer, x_TD, batch, 1.7);
}

TEST_CASE("dropped pairs are counted, and the experts' output of a fully dropped row is zero", "[layers]") {
  // All rows select expert 0, which has a capacity of 2 rows of 8.
  TokenMoE layer(TopK{.k = 1}, SoftmaxOverAll{}, CapacityFactor{.factor = 1, .minimum = 1},
                 ExpertBank<Ffn<double>>(4, 4, 3));
  Draw draw("dropped");
  randomize(draw, layer);
  auto x_TD = random_matrix<double, Cpu<>>(draw, 8, 4);
  layer.routing.gate.weight.fill_zero();
  layer.routing.gate.weight.view()(0, 0) = 5;
  for (Index t = 0; t < 8; ++t) x_TD.view()(t, 0) = 1;
  const auto run = layer.forward(CpuContext{}, x_TD, Batch::single(8));
  CHECK(run.stats.load == std::vector<Index>{2, 0, 0, 0});
  CHECK(run.stats.dropped == std::vector<Index>{6, 0, 0, 0});
  for (Index t = 0; t < 8; ++t)
    for (Index d = 0; d < 4; ++d) CHECK((run.output.view()(t, d) == 0) == (t >= 2));
}

TEST_CASE("a whole TokenMoE layer reports the golden balance loss", "[layers][golden]") {
  // The gate is the identity, so that x is the table of golden logits.
  TokenMoE layer(SharedTopK{.k = 2, .shared = 0}, SoftmaxOverChosen{}, Unlimited{}, ExpertBank<Ffn<double>>(4, 4, 1));
  for (Index e = 0; e < 4; ++e) layer.routing.gate.weight.view()(e, e) = 1;
  const std::vector<double> z = {1, 2, 0, -1, 0, 0, 3, 1, 2, -1, -1, .5};
  const auto run = layer.forward(CpuContext{}, {z.data(), 3, 4}, Batch::single(3));
  CHECK(run.stats.balance_loss() == Catch::Approx(1.125878).margin(5e-7));
  CHECK(run.stats.load == std::vector<Index>{3, 1, 1, 1});
}

TEST_CASE("a batch without rows does not update the thresholds", "[layers]") {
  const CpuContext context;
  auto layer = build<TokenExpertChoice<double>>(sizes);
  Draw draw("empty batch");
  randomize(draw, layer);
  const auto thresholds = [&] { return values_of(layer.routing.thresholds_E); };
  const auto before = thresholds();
  layer.update_buffers(context, layer.forward(context, Tensor(0, sizes.width), Batch{}).stats);
  CHECK(thresholds() == before);
  const auto x_TD = random_matrix<double, Cpu<>>(draw, rows, sizes.width);
  layer.update_buffers(context, layer.forward(context, x_TD, Batch::single(rows)).stats);
  CHECK(thresholds() != before);
}

TEST_CASE("gates of a row sum to 1 and the shared expert is always chosen, whatever its index", "[layers]") {
  const CpuContext context;
  for (Index shared = 0; shared < sizes.experts; ++shared) {
    Sizes s = sizes;
    s.shared = shared;
    auto layer = build<SharedRouted<double>>(s);
    Draw draw("shared", static_cast<std::uint32_t>(shared));
    randomize(draw, layer);
    const auto x_TD = random_matrix<double, Cpu<>>(draw, 50, s.width);
    const auto run = layer.forward(context, x_TD, Batch::single(50));
    const auto& decision = run.saved.routing.decision;
    for (Index t = 0; t < 50; ++t) {
      const auto gates = decision.gates_RE.view().row(t);
      double sum = 0;
      Index chosen = 0;
      for (Index e = 0; e < gates.size; ++e) {
        sum += gates[e];
        chosen += decision.choice.chosen_RE.view()(t, e) != 0;
      }
      CHECK(std::abs(sum - 1) < 1e-14);
      CHECK(chosen == s.k);
      CHECK(decision.choice.chosen_RE.view()(t, shared) == 1);
      CHECK(gates[shared] > 0);
    }
    CHECK(run.stats.load[static_cast<std::size_t>(shared)] == 50);
  }
}

TEST_CASE("forward takes ownership of a moved input", "[layers]") {
  const CpuContext context;
  auto layer = build<Mixtral<double, Cpu<>>>(sizes);
  Draw draw("owned");
  randomize(draw, layer);
  auto x_TD = random_matrix<double, Cpu<>>(draw, rows, sizes.width);
  const Tensor c_TD = random_matrix<double, Cpu<>>(draw, rows, sizes.width);
  const Batch batch = Batch::single(rows);
  auto borrowed = gradient_for(layer), owned = gradient_for(layer);
  const Tensor d_x_TD = layer.backward(context, c_TD, {}, layer.forward(context, x_TD, batch).saved, borrowed);
  const double* data = x_TD.data();
  auto run = layer.forward(context, std::move(x_TD), batch);
  CHECK(run.saved.x_owned.data() == data);
  CHECK(same_bits(layer.backward(context, c_TD, {}, std::move(run.saved), owned), d_x_TD));
  for_each_parameter(
      [](const std::string& name, const auto& a, const auto& b) {
        INFO(name);
        CHECK(same_bits<double, Cpu<>>(a, b));
      },
      borrowed, owned);
}

static_assert(std::is_same_v<Qwen15Moe<float, Cpu<>>::rebind<double>, Qwen15Moe<double, Cpu<>>>);
static_assert(std::is_same_v<Mixtral<float, Cpu<>>::rebind<double>, Mixtral<double, Cpu<>>>);

}  // namespace token_moe_test
