/// Routers, capacities and balance losses of the literature compared with their equations in numpy, through whole
/// layers. README.md describes where the files come from, make_numpy.py their content.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "moe/backend/cpu/cpu.hpp"
#include "moe/layers/presets.hpp"
#include "moe/routing/router/priced_top_k.hpp"
#include "moe/routing/router/quantile_choice.hpp"
#include "moe/train/walk.hpp"
#include "support/catch.hpp"
#include "support/golden_case.hpp"

namespace numpy_test {

using namespace moe;
using namespace moe::testing;
using namespace moe::testing::golden;

namespace {

using Ffn = SwiGlu<double, Cpu<>>;
using Doubles = Matrix<double, Cpu<>>;
using Stored = View<const double, Cpu<>>;
using Ranks = View<const ChoiceOrder, Cpu<>>;

/// Bar for float64 sums in another order than numpy's, relative to the largest value of the tensor.
constexpr double fine = 1e-12;

/// One case of a file.
struct Case {
  const StoredFileOf<double>& file;
  std::string name;

  bool has(const std::string& part) const { return file.tensors.count(name + "." + part) != 0; }
  Stored tensor(const std::string& part) const { return view(file.tensors.at(name + "." + part)); }
  double number(const std::string& setting) const { return std::stod(file.metadata.at(name + "." + setting)); }
  Index count(const std::string& setting) const { return std::stoll(file.metadata.at(name + "." + setting)); }

  Stored x() const { return tensor("x"); }
  Stored d_y() const { return view(file.tensors.at("d_y")).rows_between(0, x().rows); }
  Batch batch() const {
    if (!has("lengths")) return Batch::single(x().rows);
    std::vector<Index> lengths;
    for (const double length : tensor("lengths").row(0)) lengths.push_back(static_cast<Index>(length));
    return Batch::ragged(lengths);
  }
  /// The experts of the file.
  ExpertBank<Ffn> bank() const {
    const Index experts = tensor("chosen").cols, width = x().cols;
    const Stored down_proj = view(file.tensors.at("down_proj"));
    ExpertBank<Ffn> bank(experts, width, down_proj.cols);
    for (Index e = 0; e < experts; ++e) {
      Ffn& expert = bank.experts[static_cast<std::size_t>(e)];
      const auto take = [&](const std::string& from, Doubles& weight) {
        std::copy_n(view(file.tensors.at(from)).row(e * weight.rows()).data, weight.size(), weight.data());
      };
      take("gate_proj", expert.gate_proj);
      take("up_proj", expert.up_proj);
      take("down_proj", expert.down_proj);
    }
    return bank;
  }

  void check(const std::string& part, Stored actual) const {
    INFO(name << "." << part);
    CHECK(deviation(tensor(part), actual) <= fine);
  }
  void check_loss(const std::string& loss, double actual) const {
    INFO(name << "." << loss);
    CHECK(std::abs(actual - number(loss)) <= fine * std::abs(number(loss)));
  }
  void check_ranks(const std::string& part, Ranks actual) const {
    INFO(name << "." << part);
    const Stored expected = tensor(part);
    REQUIRE(actual.rows == expected.rows);
    REQUIRE(actual.cols == expected.cols);
    Index others = 0;
    for (Index i = 0; i < expected.size(); ++i) others += static_cast<double>(actual.data[i]) != expected.data[i];
    CHECK(others == 0);
  }
};

template <class Layer>
Layer with_identity_gate(Layer layer) {
  auto& gate = layer.routing.gate.weight;
  for (Index e = 0; e < gate.rows(); ++e) gate.data()[e * gate.cols() + e] = 1;
  return layer;
}

void check_decision(const Case& expected, const Decision<double, Cpu<>>& decision) {
  expected.check_ranks("chosen", decision.choice.chosen_RE.view());
  CHECK(expected.has("kept") == !decision.dropped.empty());
  if (expected.has("kept")) expected.check_ranks("kept", decision.kept_RE.view());
}

/// Checks the gates of kept pairs.
void check_gates(const Case& expected, const Decision<double, Cpu<>>& decision) {
  Doubles gates_RE = decision.gates_RE.copy();
  zero_where_dropped<double, Cpu<>>({}, decision.kept().view(), gates_RE.view());
  expected.check("gates", gates_RE);
}

/// The gradient of x for the given gradients of the output and the auxiliary losses.
template <class Layer>
Doubles gradient_of_x(const Case& expected, const Layer& layer, Stored d_y_TD, AuxiliaryGradient d_stats) {
  Layer gradient = gradient_for(layer);
  auto run = layer.forward(CpuContext{}, expected.x(), expected.batch());
  return layer.backward(CpuContext{}, d_y_TD, d_stats, std::move(run.saved), gradient);
}

/// Checks decisions, outputs, losses and gradients of training.
template <class Layer>
void check_training(const Case& expected, const Layer& layer) {
  const auto run = layer.forward(CpuContext{}, expected.x(), expected.batch());
  check_decision(expected, run.saved.routing.decision);
  check_gates(expected, run.saved.routing.decision);
  expected.check("y", run.output);
  if (expected.has("boundary")) expected.check("boundary", run.stats.boundary_1E);
  expected.check("grad.answer", gradient_of_x(expected, layer, expected.d_y(), {}));

  const Doubles nothing_TD(expected.x().rows, expected.x().cols);
  if (expected.has("grad.balance")) {
    expected.check_loss("balance", run.stats.balance_loss());
    expected.check("grad.balance", gradient_of_x(expected, layer, nothing_TD.view(), {.balance = 1}));
  }
  if (expected.has("grad.z")) {
    expected.check_loss("z", run.stats.z_loss());
    expected.check("grad.z", gradient_of_x(expected, layer, nothing_TD.view(), {.z = 1}));
  }
}

/// The same for inference, which has no backward.
template <class Layer>
void check_inference(const Case& expected, const Layer& layer) {
  const auto decision = layer.routing.template decide<Inference>(CpuContext{}, expected.x(), {});
  check_decision(expected, decision);
  check_gates(expected, decision);
  expected.check("y", layer.infer(CpuContext{}, expected.x(), expected.batch()));
}

CapacityFactor room_of(const Case& expected, NormalizeGates normalize, DropBy drop) {
  return {
      .factor = expected.number("factor"), .minimum = expected.count("minimum"), .normalize = normalize, .drop = drop};
}

/// Checks a layer of TopK whose experts have a limited capacity.
template <class N>
void check_dropping(const Case& expected, NormalizeGates normalize, DropBy drop) {
  const auto layer =
      with_identity_gate(TokenMoE(TopK{expected.count("k")}, N{}, room_of(expected, normalize, drop), expected.bank()));
  check_training(expected, layer);
  check_inference(expected, layer);
}

/// The load of each expert, and the sum of the selected logits.
struct Assignment {
  std::vector<Index> loads;
  double sum = 0;
  bool is_one_each = true;
};
Assignment assignment(Stored logits_TE, Ranks chosen_TE) {
  Assignment result{std::vector<Index>(static_cast<std::size_t>(chosen_TE.cols))};
  for (Index t = 0; t < chosen_TE.rows; ++t) {
    Index experts = 0;
    for (Index e = 0; e < chosen_TE.cols; ++e)
      if (chosen_TE(t, e) != 0) {
        ++experts;
        ++result.loads[static_cast<std::size_t>(e)];
        result.sum += logits_TE(t, e);
      }
    result.is_one_each = result.is_one_each && experts == 1;
  }
  return result;
}

}  // namespace

TEST_CASE("capacities drop the same pairs as their papers", "[golden]") {
  const auto file = read_case<double>("numpy_tokens");
  const auto before = NormalizeGates::before_dropping, after = NormalizeGates::after_dropping;
  for (const std::string name : {"switch", "switch_minimum"})
    check_dropping<SoftmaxOverAll>({file, name}, before, DropBy::position);
  check_dropping<SoftmaxOverChosen>({file, "gshard"}, before, DropBy::position);
  check_dropping<SoftmaxOverChosen>({file, "gshard_after"}, after, DropBy::position);
  check_dropping<SoftmaxOverAll>({file, "priority"}, before, DropBy::priority);
  check_dropping<SoftmaxOverAll>({file, "probability"}, before, DropBy::probability);
}

TEST_CASE("GShardMoe that keeps every second choice matches GShard without randomness", "[golden]") {
  const auto file = read_case<double>("numpy_tokens");
  const Case expected{file, "gshard"};
  const CapacityFactor room = room_of(expected, NormalizeGates::before_dropping, DropBy::position);
  const Index k = expected.count("k");
  check_training(
      expected, with_identity_gate(GShardMoe<double, Cpu<>>(
                    TrainInfer<GShardChoice, TopK>{{.k = k, .keep = std::numeric_limits<double>::infinity()}, {.k = k}},
                    {}, room, expected.bank())));
}

TEST_CASE("rows select experts as in DeepSeek's papers, eq. 2 of MultiPL-MoE and ReMoE", "[golden]") {
  const auto file = read_case<double>("numpy_tokens");
  SECTION("DeepSeekMoE") {
    const Case expected{file, "deepseek_moe"};
    const auto layer = with_identity_gate(
        TokenMoE(TopK{expected.count("k")}, SoftmaxOverAll{expected.number("scale")}, Unlimited{}, expected.bank()));
    check_training(expected, layer);
    check_inference(expected, layer);
  }
  SECTION("DeepSeek-V2") {
    const Case expected{file, "deepseek_v2"};
    const auto layer = with_identity_gate(TokenMoE(
        GroupLimitedTopK{
            .k = expected.count("k"), .groups = expected.count("groups"), .kept_groups = expected.count("kept_groups")},
        SoftmaxOverAll{expected.number("scale")}, Unlimited{}, expected.bank()));
    check_training(expected, layer);
    check_inference(expected, layer);
  }
  SECTION("DeepSeek-V3, with ragged sequences and an empty one") {
    const Case expected{file, "deepseek_v3"};
    auto layer = with_identity_gate(TokenMoE(BiasedTopK{.k = expected.count("k"),
                                                        .groups = expected.count("groups"),
                                                        .kept_groups = expected.count("kept_groups"),
                                                        .rate = expected.number("rate")},
                                             SigmoidOverChosen{.scale = expected.number("scale")}, Unlimited{},
                                             expected.bank(), NoSharedExpert{}, SequenceBalance{}));
    std::copy_n(expected.tensor("buffer").data, layer.routing.biases_E.size(), layer.routing.biases_E.data());
    check_training(expected, layer);
    check_inference(expected, layer);
    layer.update_buffers(CpuContext{}, layer.forward(CpuContext{}, expected.x(), expected.batch()).stats);
    expected.check("absorbed", layer.routing.biases_E.view());
  }
  SECTION("MultiPL-MoE's token level, its shared expert left out of the loss") {
    const Case expected{file, "shared"};
    const Index shared = expected.count("shared");
    const auto layer =
        with_identity_gate(TokenMoE(SharedTopK{.k = expected.count("k"), .shared = shared}, SoftmaxOverChosen{},
                                    Unlimited{}, expected.bank(), NoSharedExpert{}, BalanceOverRouted{shared}));
    check_training(expected, layer);
    check_inference(expected, layer);
  }
  SECTION("ReMoE") {
    const Case expected{file, "remoe"};
    auto layer = with_identity_gate(ReMoe<double, Cpu<>>({}, {}, {}, expected.bank(), {}, {.k = expected.count("k")}));
    layer.routing.balance_weight_1.data()[0] = expected.number("weight");
    check_training(expected, layer);
    check_inference(expected, layer);
    layer.update_buffers(CpuContext{}, layer.forward(CpuContext{}, expected.x(), expected.batch()).stats);
    expected.check("absorbed", layer.routing.balance_weight_1.view());
  }
}

TEST_CASE("SinkhornChoice selects as its equation does", "[golden]") {
  const auto file = read_case<double>("numpy_tokens");
  const Case one{file, "sinkhorn"}, two{file, "sinkhorn_top_2"};
  const Index k = two.count("k");
  check_training(one, with_identity_gate(SinkhornMoe<double, Cpu<>>(
                          TrainInfer<SinkhornChoice, TopK>{{.k = one.count("k")}, {.k = one.count("k")}},
                          SigmoidOverChosen{.sums_to_scale = false}, {}, one.bank())));
  check_training(two, with_identity_gate(
                          TokenMoE(TrainInfer<SinkhornChoice, TopK>{{.k = k, .rounds = two.count("rounds")}, {.k = k}},
                                   SoftmaxOverAll{}, Unlimited{}, two.bank())));
}

TEST_CASE("BASE's auction finds scipy's optimal assignment", "[golden]") {
  const auto file = read_case<double>("numpy_tokens");
  const std::string name = GENERATE(as<std::string>{}, "base", "base_uneven");
  INFO(name);
  const Case expected{file, name};
  const Stored x_TD = expected.x();
  const auto [smallest, largest] = std::minmax_element(x_TD.data, x_TD.data + x_TD.size());
  const double range = *largest - *smallest, rows = static_cast<double>(x_TD.rows);
  const auto layer_of = [&](BalancedAssignment auction) {
    return with_identity_gate(BaseMoe<double, Cpu<>>({auction, {.k = 1}}, SigmoidOverChosen{.sums_to_scale = false},
                                                     EvenShare{}, expected.bank()));
  };
  for (const double step : {0.5, 0.1, BalancedAssignment{}.step}) {
    INFO(step);
    const auto run = layer_of({.step = step}).forward(CpuContext{}, x_TD, expected.batch());
    const Assignment found = assignment(x_TD, run.saved.routing.decision.choice.chosen_RE.view());
    CHECK(found.is_one_each);
    CHECK(*std::max_element(found.loads.begin(), found.loads.end()) == 2);
    CHECK(found.sum <= expected.number("sum") + fine);
    CHECK(found.sum >= expected.number("sum") - rows * step * range);
  }
  // A sum that is above the second largest possible one is the largest.
  const BalancedAssignment careful{.step = 0.9 * expected.number("gap") / (rows * range), .most_rounds = 1000000};
  check_training(expected, layer_of(careful));
}

TEST_CASE("experts select rows as in their papers", "[golden]") {
  const auto file = read_case<double>("numpy_tokens");
  for (const std::string name : {"expert_choice", "expert_choice_of_one"}) {
    const Case expected{file, name};
    check_training(expected, with_identity_gate(TokenMoE(ExpertChoice{}, SoftmaxOverAll{},
                                                         SegmentCapacity{expected.number("factor")}, expected.bank())));
  }
  const Case capped{file, "capped_expert_choice"};
  check_training(capped, with_identity_gate(TokenMoE(CappedExpertChoice{.cap = capped.count("cap")}, SoftmaxOverAll{},
                                                     SegmentCapacity{capped.number("factor")}, capped.bank())));
  const Case expected{file, "threshold"};
  auto layer = with_identity_gate(
      TokenMoE(TrainInfer<ExpertChoice, ThresholdChoice>{}, SoftmaxOverAll{}, SegmentCapacity{}, expected.bank()));
  std::copy_n(expected.tensor("buffer").data, layer.routing.thresholds_E.size(), layer.routing.thresholds_E.data());
  check_inference(expected, layer);
}

TEST_CASE("prices match the quantiles of the equations", "[golden]") {
  const auto file = read_case<double>("numpy_tokens");
  const Case found{file, "quantile"}, given{file, "priced"};
  const TrainInfer<QuantileChoice, PricedTopK> router{{.k = found.count("k")}, {.k = given.count("k")}};
  check_training(found, with_identity_gate(TokenMoE(router, SoftmaxOverChosen{}, Unlimited{}, found.bank())));
  auto layer = with_identity_gate(TokenMoE(router, SoftmaxOverChosen{}, Unlimited{}, given.bank()));
  std::copy_n(given.tensor("buffer").data, layer.routing.thresholds_E.size(), layer.routing.thresholds_E.data());
  check_inference(given, layer);
}

namespace {

template <class Source>
void check_segments(const Case& expected) {
  const auto layer =
      with_identity_gate(SegmentMoE(FixedWindow{expected.count("window")}, Source{}, ExpertChoice{}, SoftmaxOverAll{},
                                    SegmentCapacity{expected.number("factor")}, expected.bank()));
  const auto run = layer.forward(CpuContext{}, expected.x(), expected.batch());
  check_decision(expected, run.saved.routing.decision);
  const auto& segments = run.saved.routing;
  expected.check("gates", repeat_over_rows<double, Cpu<>>(CpuContext{}, segments.decision.gates_RE.view(),
                                                          segments.cut.of_row_1T.view()));
  expected.check("boundary", run.stats.boundary_1E);
  expected.check("y", run.output);
  expected.check("grad.answer", gradient_of_x(expected, layer, expected.d_y(), {}));
}

}  // namespace

TEST_CASE("segments are routed by the mean or the maximum of their rows", "[golden]") {
  const auto file = read_case<double>("numpy_segments");
  check_segments<OwnMean<double, Cpu<>>>({file, "mean"});
  check_segments<OwnMax<double, Cpu<>>>({file, "max"});
}

}  // namespace numpy_test
