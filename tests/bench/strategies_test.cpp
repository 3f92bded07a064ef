/// The suite's strategies: they have equal cost, run on every input and have the stated properties.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>
#include <numeric>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "bench/data.hpp"
#include "bench/strategies/all.hpp"
#include "bench/strategies/compose.hpp"
#include "bench/strategies/result.hpp"
#include "moe/routing/capacity/unlimited.hpp"
#include "moe/routing/normalizer/softmax_over_chosen.hpp"
#include "moe/routing/segmenter/syntax_window.hpp"
#include "support/catch.hpp"

namespace strategies_test {

using namespace moe_bench;
using Catch::Approx;

namespace {

using B = Cpu;

struct FirstTwo {
  template <class Real>
  MOE_HOST_DEVICE void choose(moe::Row<const Real> /*logits_E*/, moe::Row<moe::ChoiceOrder> chosen_E) const {
    for (Index e = 0; e < chosen_E.size; ++e) chosen_E[e] = e < 2 ? 1 : 0;
  }
};

RunPlan small_plan(Input input = Input::iid) {
  return {.shape = *parse_shape("small"), .input = input, .repetitions = 1, .repetition_seconds = 1e-6, .threads = 1};
}

std::map<std::string, StrategyResult> run_all(Input input) {
  std::vector<std::string> names;
  for (const StrategyInfo& info : list_strategies()) names.push_back(info.name);
  std::map<std::string, StrategyResult> results;
  for (StrategyResult& r : run_on_cpu(names, small_plan(input), [](int, const std::string&) {}))
    results.emplace(r.name, std::move(r));
  return results;
}

bool all_finite(const Tensor& values) {
  for (Index i = 0; i < values.size(); ++i)
    if (!std::isfinite(values.data()[i])) return false;
  return true;
}

}  // namespace

TEST_CASE("a strategy's description is complete or names the strategy that it refers to", "[bench][strategies]") {
  const std::vector<StrategyInfo> infos = list_strategies();
  for (const StrategyInfo& info : infos) {
    INFO(info.name << ": " << info.routing);
    CHECK(info.routing.find("the same") == std::string::npos);
    if (!info.routing.starts_with("as ")) continue;
    const std::string other = info.routing.substr(3, info.routing.find_first_of(", ", 3) - 3);
    CHECK(std::any_of(infos.begin(), infos.end(), [&](const StrategyInfo& i) { return i.name == other; }));
  }
}

TEST_CASE("strategies have distinct names and the same number of parameters", "[bench][strategies]") {
  for (const char* name : {"small", "paper", "qwen1.5-moe"}) {
    RunPlan plan;
    plan.shape = *parse_shape(name);
    // Only the proportions matter, so no large layer is built.
    plan.shape.width = 64;
    const Sizes sizes = plan.sizes();
    const double expert = 3.0 * static_cast<double>(sizes.width * sizes.hidden);
    std::set<std::string> names;
    for (const Strategy<B>& strategy : all_strategies<B>()) {
      INFO(name << ", " << strategy.name);
      CHECK(names.insert(strategy.name).second);
      const auto layer = strategy.make(sizes);
      double experts = 0;
      moe::for_each_parameter(
          [&](const std::string& weight, const auto& values) {
            if (!weight.ends_with("gate.weight") && !weight.ends_with("noise.weight"))
              experts += static_cast<double>(values.size());
          },
          layer);
      if (strategy.name == "dense")
        CHECK(experts == expert * static_cast<double>(sizes.chosen));
      else if (strategy.name == "mole")
        CHECK(experts < expert * static_cast<double>(sizes.experts));
      else
        CHECK(experts == Approx(expert * static_cast<double>(sizes.experts)).epsilon(0.02));
    }
    CHECK(names.size() >= 25);
  }
}

TEST_CASE("sizes with other numbers of experts keep the total width and the width per row", "[bench][strategies]") {
  const Sizes sizes{.width = 8, .hidden = 48, .experts = 4, .chosen = 2};
  for (const Index k : {1, 2, 3, 4, 8}) {
    const Sizes cut = sizes.with_choices(k);
    CHECK(cut.chosen == k);
    CHECK(cut.hidden * cut.chosen == 96);
    CHECK(cut.hidden * cut.experts == 192);
  }
  CHECK(sizes.finer().chosen == 4);
  CHECK(sizes.with_choices(1).finer().chosen == 4);
}

TEST_CASE("the strategy that reads syntax knows the texts of the tokens", "[bench][strategies]") {
  Sizes sizes{.width = 8, .hidden = 4, .experts = 2, .chosen = 1, .window = 4, .languages = 1};
  for (const bool is_drawn : {true, false}) {
    if (!is_drawn) sizes.texts = {"x", "});", "{\n  "};
    for (const Strategy<B>& strategy : all_strategies<B>()) {
      if (strategy.name != "syntax-segment") continue;
      const auto layer = strategy.make(sizes);
      Index tables = 0;
      moe::for_each_buffer(
          [&](const std::string& name, const auto& values) {
            if (!name.ends_with("token_table")) return;
            ++tables;
            REQUIRE(values.rows() == std::ssize(sizes.texts));
            for (Index token = 0; token < values.rows(); ++token) {
              const auto syntax = moe::SyntaxWindow::syntax_of(sizes.texts[static_cast<std::size_t>(token)]);
              for (Index i = 0; i < moe::SyntaxWindow::features; ++i)
                CHECK(static_cast<double>(values.view()(token, i)) ==
                      static_cast<double>(syntax[static_cast<std::size_t>(i)]));
            }
          },
          layer);
      CHECK(tables == 1);
    }
  }
}

TEST_CASE("every strategy runs forward and backward on every input with finite values", "[bench][strategies]") {
  const Context context{.threads = 2};
  for (const Input input : {Input::iid, Input::zipf, Input::languages}) {
    const RunPlan plan = small_plan(input);
    const Rows rows = draw_rows(input, plan.lengths(), plan.shape.width, plan.sizes().languages, 1);
    Tensor x_TD = Tensor::uninitialized(context, rows.count(), rows.width);
    Cpu::upload(context, rows.x_TD.data(), x_TD.view());
    for (const Strategy<B>& strategy : all_strategies<B>()) {
      INFO(strategy.name);
      auto layer = strategy.make(plan.sizes());
      fill_weights(context, layer);
      auto gradient = moe::gradient_for(layer);
      auto run = layer.forward(context, x_TD.const_view(), rows.batch());
      layer.update_buffers(context, run.stats);
      CHECK(all_finite(run.output));
      CHECK(all_finite(layer.backward(context, run.output, strategy.losses, std::move(run.saved), gradient)));
      double weight_gradients = 0;
      moe::for_each_parameter(
          [&](const std::string&, const auto& d_weight) {
            for (Index i = 0; i < d_weight.size(); ++i) weight_gradients += std::abs(double{d_weight.data()[i]});
          },
          gradient);
      CHECK(std::isfinite(weight_gradients));
      CHECK(weight_gradients > 0);
      CHECK(all_finite(layer.infer(context, x_TD.const_view(), rows.batch())));
    }
  }
}

TEST_CASE("the causality and batch invariance that layers state agree with their decisions", "[bench][strategies]") {
  const auto results = run_all(Input::iid);
  for (const StrategyInfo& info : list_strategies()) {
    INFO(info.name);
    const StrategyResult& r = results.at(info.name);
    CHECK(r.routing.has_value() == (info.name != "dense"));
    if (!r.routing) continue;
    if (info.is_causal) CHECK(r.routing->flips == 0);
    if (info.is_batch_invariant) CHECK(r.routing->neighbor_sensitivity == 0);
  }
  for (const char* name : {"expert-choice", "capped-expert-choice", "segment-mean", "segment-max", "multipl-moe"}) {
    INFO(name);
    CHECK(results.at(name).routing->flips > 0);
    CHECK(results.at(name).routing->neighbor_sensitivity > 0);
  }
  CHECK(results.at("random").routing->neighbor_sensitivity > 0);
  CHECK(results.at("switch-1.0").routing->neighbor_sensitivity > 0);
}

TEST_CASE("loads, drops and experts per row follow the routing rules", "[bench][strategies]") {
  const auto results = run_all(Input::zipf);
  const auto of = [&](const char* name) { return *results.at(name).routing; };
  // The frequent tokens of the Zipf input select one expert for more rows than an even share.
  CHECK(of("switch-1.0").dropped > 0);
  CHECK(of("switch-1.0").dropped >= of("switch").dropped);
  CHECK(of("switch").dropped >= of("switch-2.0").dropped);
  CHECK(of("batch-prioritized").dropped > 0);
  CHECK(of("mixtral").dropped == 0);
  CHECK(of("mixtral").experts_per_row == Approx(2));
  CHECK(of("mixtral").unserved == 0);
  CHECK(of("hash").gate_entropy == Approx(std::log(2.0)));
  CHECK(of("switch").experts_per_row <= 1);
  CHECK(of("base").balance.most_over_mean == Approx(1));
  CHECK(of("expert-choice").balance.variation == Approx(0));
  CHECK(of("expert-choice").balance.entropy == Approx(std::log(4.0)));
  CHECK(of("expert-choice").experts_per_row == Approx(2));
  CHECK(of("multipl-moe").experts == 8);
}

TEST_CASE("results are relative to the dense FFN and contain times and phases", "[bench][strategies]") {
  const auto results = run_on_cpu({"mixtral"}, small_plan(), [](int, const std::string&) {});
  REQUIRE(results.size() == 2);
  const StrategyResult &dense = results[0], &mixtral = results[1];
  CHECK(dense.name == "dense");
  CHECK(*dense.of_dense == Approx(1));
  CHECK(*mixtral.of_dense > 0);
  // Two experts of 48 channels per row equal the dense FFN's 96 channels; the gate's four logits are extra.
  CHECK(dense.flops == Approx(3.0 * 2 * 64 * (3 * 32 * 96)));
  CHECK(mixtral.flops == Approx(3.0 * 2 * 64 * (3 * 32 * 96 + 32 * 4)));
  CHECK(mixtral.forward.median > 0);
  CHECK(mixtral.backward.median > 0);
  CHECK(mixtral.both.median == Approx(mixtral.forward.median + mixtral.backward.median));
  const auto phase = [&](moe::Phase p) { return static_cast<std::size_t>(p); };
  for (const moe::Phase p : {moe::Phase::router, moe::Phase::dispatch, moe::Phase::experts, moe::Phase::combine})
    CHECK(mixtral.forward_phases[phase(p)].median > 0);
  CHECK(mixtral.backward_phases[phase(moe::Phase::experts)].median > 0);
  CHECK(mixtral.forward_phases[phase(moe::Phase::fusion)].median == 0);
  // At least two activations of every pair, and the output.
  CHECK(mixtral.peak_bytes >= 64 * (2 * 2 * 48 + 32) * 4);
  CHECK(mixtral.peak_bytes < 1'000'000);
}

TEST_CASE("noisy top-k draws only in training, selects k experts per row and learns its noise", "[bench][strategies]") {
  const std::vector<Strategy<B>> suite = all_strategies<B>();
  const auto noisy = std::find_if(suite.begin(), suite.end(), [](const auto& s) { return s.name == "noisy-top-k"; });
  REQUIRE(noisy != suite.end());
  const StrategyResult result = run_on_cpu({"noisy-top-k"}, small_plan(), [](int, const std::string&) {}).back();
  CHECK(result.routing->experts_per_row == Approx(2));
  CHECK(result.routing->dropped == 0);
  CHECK(result.routing->flips == 0);
  CHECK(result.routing->neighbor_sensitivity == 0);

  const Context context{.threads = 1};
  const RunPlan plan = small_plan();
  const Rows rows = draw_rows(Input::iid, plan.lengths(), plan.shape.width, plan.sizes().languages, 1);
  Tensor x_TD = Tensor::uninitialized(context, rows.count(), rows.width);
  Cpu::upload(context, rows.x_TD.data(), x_TD.view());
  auto layer = noisy->make(plan.sizes());
  fill_weights(context, layer);
  auto gradient = moe::gradient_for(layer);
  auto run = layer.forward(context, x_TD.const_view(), rows.batch());
  // With d_y = 0 all gradients come from the balance loss, which reaches the gate and the noise but no expert.
  const Tensor d_y_TD(rows.count(), rows.width);
  layer.backward(context, d_y_TD, noisy->losses, std::move(run.saved), gradient);
  moe::for_each_parameter(
      [&](const std::string& name, const auto& slope) {
        double sum = 0;
        for (Index i = 0; i < slope.size(); ++i) sum += std::abs(double{slope.data()[i]});
        INFO(name);
        CHECK((sum > 0) == (name.find("experts.") == std::string::npos));
      },
      gradient);
}

TEST_CASE("time is attributed to the innermost open phase", "[bench]") {
  using namespace std::chrono_literals;
  using enum moe::PhaseEdge;
  PhaseWatch watch;
  const auto began = std::chrono::steady_clock::now();
  watch.begin();
  std::this_thread::sleep_for(3ms);  // in no phase
  watch.hear(moe::Phase::router, begin);
  std::this_thread::sleep_for(2ms);
  watch.hear(moe::Phase::experts, begin);
  std::this_thread::sleep_for(4ms);
  watch.hear(moe::Phase::experts, end);
  std::this_thread::sleep_for(2ms);
  watch.hear(moe::Phase::router, end);
  std::this_thread::sleep_for(5ms);  // in no phase
  const PhaseSeconds seconds = watch.end();
  CHECK(seconds[static_cast<std::size_t>(moe::Phase::router)] >= 0.004);
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - began;
  CHECK(std::accumulate(seconds.begin(), seconds.end(), 0.0) <= passed.count() - 0.008);
  CHECK(seconds[static_cast<std::size_t>(moe::Phase::experts)] >= 0.004);
  CHECK(seconds[static_cast<std::size_t>(moe::Phase::fusion)] == 0);
  CHECK(watch.end()[static_cast<std::size_t>(moe::Phase::experts)] == 0);
}

TEST_CASE("inputs are reproducible from a seed, skewed by Zipf's law, and similar within a language", "[bench]") {
  const std::vector<Index> lengths{300, 300, 300, 300};
  const Rows zipf = draw_rows(Input::zipf, lengths, 4, 4, 1);
  CHECK(zipf.x_TD == draw_rows(Input::zipf, lengths, 4, 4, 1).x_TD);
  CHECK(zipf.x_TD != draw_rows(Input::zipf, lengths, 4, 4, 2).x_TD);
  std::map<std::int32_t, int> times;
  for (const std::int32_t token : zipf.tokens) ++times[token];
  // The most frequent of 1000 ids takes 1 / H_1000 = 13 % of the rows, the second half of that.
  CHECK(times[0] == Approx(1200 * 0.134).epsilon(0.3));
  CHECK(times[0] > times[1]);
  std::map<std::int32_t, int> even;
  for (const std::int32_t token : draw_rows(Input::iid, lengths, 4, 4, 1).tokens) ++even[token];
  CHECK(even[0] < 10);

  const Rows languages = draw_rows(Input::languages, lengths, 64, 4, 1);
  CHECK(languages.languages[0] == 0);
  CHECK(languages.languages[299] == 0);
  CHECK(languages.languages[300] == 1);
  const auto product = [&](Index a, Index b) {
    double sum = 0;
    for (Index d = 0; d < 64; ++d)
      sum += double{languages.x_TD[static_cast<std::size_t>(a * 64 + d)]} *
             languages.x_TD[static_cast<std::size_t>(b * 64 + d)];
    return sum;
  };
  double within = 0, across = 0;
  for (Index i = 0; i < 50; ++i) {
    within += product(i, i + 50);
    across += product(i, i + 300);
  }
  CHECK(within > across + 50 * 16);
}

TEST_CASE("a user-defined router is added to the suite in one line", "[bench][strategies]") {
  using moe::SoftmaxOverChosen, moe::Unlimited;
  std::vector<Strategy<B>> suite;
  // [own_router]
  suite.push_back(token_strategy<B>("mine", "the first two experts", FirstTwo{}, SoftmaxOverChosen{}, Unlimited{}));
  // [/own_router]
  auto layer = suite.back().make(small_plan().sizes());
  const Context context{.threads = 1};
  std::vector<moe::Observation> seen;
  Context watched = context;
  watched.observer = [&](const moe::Observation& observation) { seen.push_back(observation); };
  const Tensor x_TD = uniform_tensor(context, 8, 32, 1);
  layer.infer(watched, x_TD, moe::Batch::single(8));
  CHECK(loads_of(decisions_of(seen)) == std::vector<Index>{8, 8, 0, 0});
}

}  // namespace strategies_test
