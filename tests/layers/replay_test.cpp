/// Choices that are recorded and replayed, over every composition of the tests.
#include "moe/core/routing_replay.hpp"

#include <cstring>
#include <string>
#include <utility>
#include <vector>

#include "moe/core/routing_recorder.hpp"
#include "moe/experts/expert_bank.hpp"
#include "moe/layers/lora_ffn.hpp"
#include "support/any_compositions.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"

namespace replay_test {

using namespace moe;
using namespace moe::testing;

namespace {

const Sizes sizes{.width = 5, .hidden = 6, .experts = 4, .k = 2, .shared = 1, .window = 3, .capacity_factor = 0.8};

/// All results of a pass.
struct Numbers {
  std::vector<double> all;
  template <class M>
  void add(const M& values) {
    all.insert(all.end(), values.data(), values.data() + values.size());
  }
  friend bool operator==(const Numbers& a, const Numbers& b) {
    return a.all.size() == b.all.size() && std::memcmp(a.all.data(), b.all.data(), a.all.size() * sizeof(double)) == 0;
  }
};

template <class Layer>
Numbers trained(const CpuContext& context, const Layer& layer, const Tensor& x_TD, const Batch& batch) {
  Numbers numbers;
  auto run = layer.forward(context, x_TD, batch);
  numbers.add(run.output);
  numbers.all.push_back(run.stats.balance_loss());
  numbers.all.push_back(run.stats.z_loss());
  Layer gradient = gradient_for(layer);
  numbers.add(layer.backward(context, x_TD, {.balance = 0.3, .z = 0.2}, std::move(run.saved), gradient));
  for_each_tensor([&](const auto& tensor) { numbers.add(tensor); }, std::as_const(gradient));
  return numbers;
}
template <class Layer>
Numbers inferred(const CpuContext& context, const Layer& layer, const Tensor& x_TD, const Batch& batch) {
  Numbers numbers;
  numbers.add(layer.infer(context, x_TD, batch));
  return numbers;
}

/// Records the choices of `run(context)` for the whole batch.
template <class Run>
std::vector<RoutingRecord> recorded(const Batch& batch, const Run& run, std::uint32_t layer = 3) {
  RoutingRecorder recorder(batch.count());
  recorder.expect(batch);
  run(CpuContext{.threads = 1, .layer = layer, .observer = recorder.observer()});
  return recorder.records();
}

CpuContext replaying(const RoutingReplay& replay, std::uint32_t layer = 3) {
  return {.threads = 1, .layer = layer, .replay = &replay};
}

/// A routing module that does not replay.
template <class Value>
struct Mute : TokenRouting<TopK, SoftmaxOverChosen, Unlimited, Value, Cpu<>> {
  using Base = TokenRouting<TopK, SoftmaxOverChosen, Unlimited, Value, Cpu<>>;
  template <class Other>
  using rebind = Mute<Other>;
  static constexpr bool replays = false;

  using Base::Base;
  Mute empty_tree() const { return empty_tree_of<Value>(); }
  template <class Other>
  Mute<Other> empty_tree_of() const {
    Mute<Other> tree;
    Base::copy_policies_to(tree);
    return tree;
  }
};

struct Given {
  std::vector<std::int32_t> tokens{1, 0, 2, 2, 0, 1, 1, 2, 0, 2, 1, 1};
  Batch batch = Batch::ragged({7, 0, 5});
  Given() {
    batch.tokens = tokens;
    batch.random = StepKey{5, 1};
  }
};

}  // namespace

TEST_CASE("replaying a layer's own record is bitwise identical, in training and in inference", "[layers][replay]") {
  const Given given;
  for (const auto& composition : any_compositions<double>().all()) {
    AnyCpuLayer<double> layer = composition.build(sizes);
    Draw draw("replayed");
    randomize(draw, layer);
    const Tensor x_TD = random_matrix<double, Cpu<>>(draw, 12, 5);
    const CpuContext plain{.threads = 1, .layer = 3};
    const auto pass = [&](const auto& run) {
      const auto records = recorded(given.batch, run);
      // The record has all choices, and a replayed pass records the same ones.
      CHECK(records.at(0).rows() == 7);
      CHECK(records.at(1).rows() == 0);
      CHECK(records.at(2).rows() == 5);
      const RoutingReplay replay(records);
      CHECK(run(replaying(replay)) == run(plain));
      CHECK(recorded(given.batch, [&](CpuContext context) {
              context.replay = &replay;
              return run(context);
            }) == records);
    };
    pass([&](const CpuContext& context) { return trained(context, layer, x_TD, given.batch); });
    pass([&](const CpuContext& context) { return inferred(context, layer, x_TD, given.batch); });
  }
}

TEST_CASE("a replay uses the recorded choices, not those of the current weights", "[layers][replay]") {
  const Given given;
  int others = 0;
  for (const auto& composition : any_compositions<double>().all()) {
    AnyCpuLayer<double> layer = composition.build(sizes);
    Draw draw("replayed by another layer");
    randomize(draw, layer);
    const Tensor x_TD = random_matrix<double, Cpu<>>(draw, 12, 5);
    const auto train = [&](const CpuContext& context) { return trained(context, layer, x_TD, given.batch); };
    const auto infer = [&](const CpuContext& context) { return inferred(context, layer, x_TD, given.batch); };
    const auto before = recorded(given.batch, train);
    randomize(draw, layer);
    const auto today = recorded(given.batch, train);
    others += today != before;
    const RoutingReplay replay(before);
    for (const bool is_training : {true, false}) {
      const auto again = recorded(given.batch, [&](CpuContext context) {
        context.replay = &replay;
        if (is_training)
          train(context);
        else
          infer(context);
      });
      CHECK(again == before);
    }
  }
  CHECK(others > 15);
}

TEST_CASE("a record made by decoding equals that of the whole sequence, and replays in one forward",
          "[layers][replay]") {
  int layers = 0;
  for (const auto& composition : any_compositions<double>().all()) {
    AnyCpuLayer<double> layer = composition.build(sizes);
    if (!layer.is_causal()) continue;
    ++layers;
    Draw draw("decoded and replayed");
    randomize(draw, layer);
    const std::vector<std::int32_t> tokens{1, 0, 2, 2, 0, 1, 1, 2, 0, 2, 1, 1, 0, 1};
    const Index rows = 7, prompt = 2;
    const Tensor x_TD = random_matrix<double, Cpu<>>(draw, 2 * rows, 5);
    Batch whole = Batch::sequences(2, rows);
    whole.tokens = tokens;
    // Row t of both sequences.
    const auto pick = [&](Index first, Index count) {
      std::pair<Tensor, std::vector<std::int32_t>> picked;
      picked.first = Tensor(2 * count, 5);
      for (Index b = 0; b < 2; ++b)
        for (Index i = 0; i < count; ++i) {
          const Index from = b * rows + first + i;
          std::copy_n(x_TD.data() + from * 5, 5, picked.first.data() + (b * count + i) * 5);
          picked.second.push_back(tokens[static_cast<std::size_t>(from)]);
        }
      return picked;
    };
    RoutingRecorder recorder(2);
    const CpuContext context{.threads = 1, .layer = 3, .observer = recorder.observer()};
    auto state = layer.begin_decoding(context, 2);
    std::vector<double> decoded;
    const auto [x_prompt, tokens_prompt] = pick(0, prompt);
    Batch first = Batch::sequences(2, prompt);
    first.tokens = tokens_prompt;
    recorder.expect(first);
    layer.prefill(context, x_prompt, first, state);
    for (Index t = prompt; t < rows; ++t) {
      const auto [x_BD, tokens_B] = pick(t, 1);
      recorder.expect_next();
      layer.decode(context, x_BD, tokens_B, state);
    }
    const auto records = recorder.records();
    CHECK(records.at(0).rows() == rows);
    const auto infer = [&](const CpuContext& c) { return inferred(c, layer, x_TD, whole); };
    CHECK(records == recorded(whole, infer));

    const RoutingReplay replay(records);
    CHECK(infer(replaying(replay)) == infer(CpuContext{.threads = 1, .layer = 3}));
    whole.random = StepKey{};
    CHECK(recorded(whole, [&](CpuContext c) {
            c.replay = &replay;
            return trained(c, layer, x_TD, whole);
          }) == records);

    // Other weights decode by the record too, part after part.
    randomize(draw, layer);
    RoutingRecorder again(2);
    CpuContext given{.threads = 1, .layer = 3, .observer = again.observer()};
    auto other = layer.begin_decoding(given, 2);
    for (Index t = 0; t < rows; t += t == 0 ? prompt : 1) {
      const Index count = t == 0 ? prompt : 1;
      const auto [x, tokens_of] = pick(t, count);
      RoutingReplay part;
      for (const RoutingRecord& record : records) part.add(record, t, t + count);
      given.replay = &part;
      if (t == 0) {
        again.expect(first);
        layer.prefill(given, x, first, other);
      } else {
        again.expect_next();
        layer.decode(given, x, tokens_of, other);
      }
    }
    CHECK(again.records() == records);
  }
  CHECK(layers >= 8);
}

TEMPLATE_TEST_CASE("gradients of a replayed pass match central differences with fixed choices",
                   "[layers][replay][gradient]", (Mixtral<double, Cpu<>>), Dropping<double>, DroppingRaw<double>,
                   TokenExpertChoice<double>, SegmentByPreviousMean<double>, SegmentDropping<double>,
                   SegmentReleased<double>, (CausalMultiPlMoe<double, Cpu<>, NormalizedFusion>),
                   (HybridMoE<Dropping<double>, SegmentDropping<double>, NormalizedFusion>),
                   (CausalMultiPlMoe<double, Cpu<>, ChannelFusion<double, Cpu<>>>),
                   (MultiPlMoeLiteral<double, Cpu<>>)) {
  const Given given;
  auto layer = build<TestType>(sizes);
  Draw draw("gradients of a replay");
  randomize(draw, layer, 0.7);
  Tensor x_TD = random_matrix<double, Cpu<>>(draw, 12, 5);
  const auto records =
      recorded(given.batch, [&](const CpuContext& context) { layer.forward(context, x_TD, given.batch); });
  // The current weights would select other experts, and a finite-difference step may cross a router's decision
  // boundary.
  randomize(draw, layer, 0.7);
  const RoutingReplay replay(records);
  check_layer_gradients(layer, x_TD, given.batch, 1.3, layer_bar, replaying(replay));
}

TEST_CASE("a replayed pass does not update thresholds, and updates biases as any pass does", "[layers][replay]") {
  const Given given;
  auto layer = build<TokenExpertChoice<double>>(sizes);
  Draw draw("thresholds of a replay");
  randomize(draw, layer);
  const Tensor x_TD = random_matrix<double, Cpu<>>(draw, 12, 5);
  const auto train = [&](const CpuContext& context) { return layer.forward(context, x_TD, given.batch).stats; };
  const auto records = recorded(given.batch, train);
  const RoutingReplay replay(records);
  const auto stats = train(replaying(replay));
  CHECK(stats.boundary_1E.empty());
  CHECK(stats.load == train(CpuContext{}).load);
  layer.update_buffers(CpuContext{}, stats);
  CHECK(layer.routing.updates_1.data()[0] == 0);

  auto biased = build<DeepSeekV3Moe<double, Cpu<>>>({.width = 5, .experts = 4, .k = 2, .groups = 1, .kept_groups = 1});
  randomize(draw, biased);
  const auto forward = [&](const CpuContext& context) { return biased.forward(context, x_TD, given.batch).stats; };
  const auto of_biased = recorded(given.batch, forward);
  const RoutingReplay own(of_biased);
  auto other = build<DeepSeekV3Moe<double, Cpu<>>>({.width = 5, .experts = 4, .k = 2, .groups = 1, .kept_groups = 1});
  other.update_buffers(CpuContext{}, forward(replaying(own)));
  biased.update_buffers(CpuContext{}, forward(CpuContext{}));
  CHECK(same_bits(other.routing.biases_E, biased.routing.biases_E));
}

TEST_CASE("a record that does not fit is refused", "[layers][replay]") {
  const Given given;
  auto layer = build<CausalMultiPlMoe<double, Cpu<>>>(sizes);
  Draw draw("refused replay");
  randomize(draw, layer);
  const Tensor x_TD = random_matrix<double, Cpu<>>(draw, 12, 5);
  const auto records =
      recorded(given.batch, [&](const CpuContext& context) { layer.infer(context, x_TD, given.batch); });
  const auto infer = [&](const RoutingReplay& replay, const Batch& batch, std::uint32_t number = 3) {
    layer.infer(replaying(replay, number), x_TD, batch);
  };
  const auto refused = [&](const auto& act, const std::string& text) {
    INFO(text);
    CHECK_THROWS_WITH(act(), Catch::Matchers::ContainsSubstring(text));
  };
  const RoutingReplay replay(records);
  CHECK_NOTHROW(infer(replay, given.batch));

  SECTION("rows") {
    refused(
        [&] {
          infer(replay, Batch::ragged({6, 0, 6}));
        },
        "[HybridMoE::infer] sequence 0 has 6 rows, the replayed record 7");
    refused([&] { infer(replay, Batch::single(12)); }, "the pass reads 1 sequence, the replayed record has 3");
    refused([&] { layer.forward(replaying(replay), x_TD, Batch::single(12)); }, "[HybridMoE::forward]");
    auto state = layer.begin_decoding({}, 3);
    refused([&] { layer.decode(replaying(replay), x_TD.view().rows_between(0, 3), {}, state); },
            "[HybridMoE::decode] sequence 0 has 1 row, the replayed record 7");
    refused([&] { RoutingReplay{}.add(records[0], 2, 8); }, "rows must lie in [0, 7]");
  }
  SECTION("layers and experts") {
    refused([&] { infer(replay, given.batch, 4); }, "the record has no token level of layer 4");
    auto wider = build<CausalMultiPlMoe<double, Cpu<>>>(
        {.width = 5, .hidden = 6, .experts = 5, .k = 2, .shared = 1, .window = 3});
    refused([&] { wider.infer(replaying(replay), x_TD, given.batch); },
            "the token level of layer 3 has 5 experts, the record has 4");
    auto lone = records;
    for (RoutingRecord& record : lone) record.levels.pop_back();
    const RoutingReplay without(lone);
    refused([&] { infer(without, given.batch); }, "the record has no segment level of layer 3");
    refused([&] { RoutingReplay{}.add(RoutingRecord{}); }, "the record is empty");
  }
  SECTION("segments") {
    std::vector<RoutingRecord> torn = records;
    RecordedLevel& level = torn[0].levels[1];
    REQUIRE(level.level() == "segment");
    const std::vector<std::uint16_t> chosen(level.of_row(1).begin(), level.of_row(1).end());
    level.truncate(1);
    level.append(6, std::vector<std::uint16_t>{static_cast<std::uint16_t>(chosen.empty() ? 0 : (chosen[0] + 1) % 4)});
    const RoutingReplay other(torn);
    refused([&] { infer(other, given.batch); }, "rows 0 to 2 are one segment in the segment level of layer 3");
    // A sequence in the middle of a segment continues with the segment's experts.
    auto state = layer.begin_decoding({}, 1);
    RoutingReplay first, second;
    first.add(torn[0], 0, 1);
    second.add(torn[0], 1, 2);
    layer.decode(replaying(first), x_TD.view().rows_between(0, 1), {}, state);
    refused([&] { layer.decode(replaying(second), x_TD.view().rows_between(1, 2), {}, state); },
            "the segment of sequence 0 began with other experts");
    RoutingReplay right;
    right.add(records[0], 1, 2);
    CHECK_NOTHROW(layer.decode(replaying(right), x_TD.view().rows_between(1, 2), {}, state));
  }
  SECTION("tokens") {
    RoutingRecord record = records[0];
    const std::span<const std::int32_t> tokens = given.batch.tokens.first(7);
    record.tokens = hash_of_tokens(tokens);
    RoutingReplay by_tokens;
    CHECK_NOTHROW(by_tokens.add(record, tokens));
    refused([&] { by_tokens.add(record, given.batch.tokens.subspan(1, 7)); }, "the record has other tokens");
    refused([&] { by_tokens.add(record, given.batch.tokens.first(6)); },
            "the record has 7 rows, the sequence 6 tokens");
  }
  SECTION("adapters, and routing modules that keep no record") {
    const auto lora = make_lora(SwiGlu<double, Cpu<>>(5, 6), 2, 1);
    refused([&] { lora.infer(replaying(replay), x_TD, given.batch); },
            "[LoraFfn::infer] the context has a record of choices, and this layer does not replay one");
    auto state = lora.begin_decoding({}, 3);
    refused([&] { lora.decode(replaying(replay), x_TD.view().rows_between(0, 3), {}, state); }, "[LoraFfn::decode]");
    const TokenMoE mute(Mute<double>(TopK{2}, {}, {}, 5, 4), ExpertBank<Ffn<double>>(4, 5, 6));
    refused([&] { mute.infer(replaying(replay), x_TD, given.batch); },
            "[TokenMoE::infer] the context has a record of choices, and this layer's routing module does not replay");
  }
}

}  // namespace replay_test
