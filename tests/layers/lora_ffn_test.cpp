#include "moe/layers/lora_ffn.hpp"

#include "moe/backend/shape/shape.hpp"
#include "moe/layers/presets.hpp"
#include "moe/runtime/any_layer.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/pack_weights.hpp"
#include "support/adapters.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace lora_ffn_test {

using namespace moe;
using namespace moe::testing;

namespace {

template <class Value>
using Mix = Mole<Value, Cpu<>>;
template <class Value>
using Lora = LoraFeedForward<Value, Cpu<>>;
const CpuContext context{.threads = 2};
static_assert(Module<Mix<double>> && Module<Lora<double>>);
static_assert(Mix<float>::is_causal && Mix<float>::is_batch_invariant && Lora<float>::is_batch_invariant);
static_assert(std::is_same_v<Mix<float>::rebind<double>, Mix<double>>);
static_assert(std::is_same_v<Mix<BFloat16>::rebind<float>, Mix<float>>);

/// Code in three languages, prose (-1), and unknown languages.
const std::vector<std::int32_t> languages = {0, 0, 2, -1, 1, 3, 0, -1, 2, 2, 99, 1, 0};
const Index rows = static_cast<Index>(languages.size());

Batch spoken(const std::vector<std::int32_t>& of_rows = languages) {
  Batch batch = Batch::single(static_cast<Index>(of_rows.size()));
  batch.languages = of_rows;
  return batch;
}

template <class Value>
Mix<Value> mole(Draw& draw, Index width = 5, Index hidden = 7) {
  auto layer =
      make_mole(SwiGlu<Value, Cpu<>>(width, hidden),
                {.languages = 3, .language_rank = 2, .language_alpha = 3, .shared_rank = 3, .shared_alpha = 2});
  randomize_adapted(draw, layer);
  return layer;
}
template <class Value>
Lora<Value> lora(Draw& draw, Index width = 5, Index hidden = 7) {
  auto layer = make_lora(SwiGlu<Value, Cpu<>>(width, hidden), 2, 3);
  randomize_adapted(draw, layer);
  return layer;
}

}  // namespace

TEMPLATE_TEST_CASE("MoLE's outputs match the reference", "[layers][conformance]", float, double) {
  Draw draw("mole");
  const auto layer = mole<TestType>(draw);
  const auto x = random_matrix<TestType, Cpu<>>(draw, rows, 5);
  const auto y = layer.forward(context, x, spoken());
  const auto expected = reference_of(layer);
  CHECK(expected.gate[0].scale == Catch::Approx(3 / std::sqrt(2.0)));
  CHECK(expected.down[3].scale == Catch::Approx(2 / std::sqrt(3.0)));
  CHECK(expected.up[4].scale == Catch::Approx(2 / std::sqrt(5.0)));
  reference::Vector all, answered = values_of(y.output);
  for (std::size_t t = 0; t < languages.size(); ++t)
    for (const double value :
         reference::adapted_ffn(expected, reference::mole_choice(3, languages[t]), rows_of_matrix(x)[t]))
      all.push_back(value);
  CHECK(nmse(all, answered) < Tolerance<TestType>::nmse);
  CHECK(y.stats.load == std::vector<Index>{4, 2, 3, 9, 4});
  CHECK(y.stats.balance_loss() == 0);
  CHECK(y.stats.z_loss() == 0);
  CHECK(same_bits(layer.infer(context, x, spoken()), y.output));

  // Without languages every row is prose.
  const auto prose = values_of(layer.infer(context, x, Batch::single(rows)));
  all.clear();
  for (const auto& row : rows_of_matrix(x))
    for (const double value : reference::adapted_ffn(expected, {4}, row)) all.push_back(value);
  CHECK(nmse(all, prose) < Tolerance<TestType>::nmse);
}

TEMPLATE_TEST_CASE("outputs of an FFN with LoRA match the reference", "[layers][conformance]", float, double) {
  Draw draw("lora ffn");
  const auto layer = lora<TestType>(draw);
  const auto x = random_matrix<TestType, Cpu<>>(draw, rows, 5);
  const auto y = layer.forward(context, x, Batch::single(rows));
  const auto expected = reference_of(layer);
  CHECK(expected.gate[0].scale == 1.5);
  reference::Vector all;
  for (const auto& row : rows_of_matrix(x))
    for (const double value : reference::adapted_ffn(expected, {0}, row)) all.push_back(value);
  CHECK(nmse(all, values_of(y.output)) < Tolerance<TestType>::nmse);
  CHECK(y.stats.load == std::vector<Index>{rows});
}

TEMPLATE_TEST_CASE("with freshly initialized adapters the output is bitwise identical to the base FFN's", "[layers]",
                   float, double) {
  Draw draw("fresh lora");
  SwiGlu<TestType, Cpu<>> dense(20, 33);
  randomize(draw, dense);
  auto layer = make_mole(SwiGlu<TestType, Cpu<>>(20, 33), {.languages = 3, .language_rank = 2, .shared_rank = 3});
  upcycle(context, dense, layer, {.seed = seed()});
  for (const Index count : {1, 7, 300}) {
    std::vector<std::int32_t> many;
    for (Index t = 0; t < count; ++t) many.push_back(static_cast<std::int32_t>(t % 5) - 1);
    const auto x = random_matrix<TestType, Cpu<>>(draw, count, 20);
    CHECK(same_bits(layer.infer(context, x, spoken(many)), dense.infer(context, x, Batch::single(count))));
  }
}

TEST_CASE("gradients of adapters and of the base FFN match central differences", "[layers][gradient]") {
  Draw draw("lora gradients");
  auto x = random_matrix<double, Cpu<>>(draw, rows, 5);
  SECTION("MoLE") {
    auto layer = mole<double>(draw);
    check_layer_gradients(layer, x, spoken(), 0, component_bar);
  }
  SECTION("LoRA") {
    auto layer = lora<double>(draw);
    check_layer_gradients(layer, x, Batch::single(rows), 0, component_bar);
  }
  SECTION("adapters without rows") {
    auto layer = mole<double>(draw);
    const std::vector<std::int32_t> one(languages.size(), 1);
    check_layer_gradients(layer, x, spoken(one), 0, component_bar);
    auto gradient = gradient_for(layer);
    layer.backward(context, x, {}, layer.forward(context, x, spoken(one)).saved, gradient);
    for (const std::size_t idle : {0u, 2u, 4u})
      for (const double value : values_of(gradient.up_proj.adapters[idle].lora_A)) CHECK(value == 0);
    CHECK(global_norm(context, gradient.up_proj.adapters[1]) > 0);
  }
}

TEST_CASE("frozen weights have no gradient and change no other gradient", "[layers][gradient]") {
  Draw draw("frozen base");
  const auto layer = mole<double>(draw);
  const auto x = random_matrix<double, Cpu<>>(draw, rows, 5), c = random_matrix<double, Cpu<>>(draw, rows, 5);
  auto all = gradient_for(layer);
  const auto d_x = layer.backward(context, c, {}, layer.forward(context, x, spoken()).saved, all);
  for (const auto& kept : {TrainByName{.train = {"*lora_*"}}, TrainByName{.train = {"*proj.weight"}},
                           TrainByName{.train = {"down_proj.adapters.3.lora_B*"}}, TrainByName{.train = {}}}) {
    auto some = gradient_for(layer, kept);
    CHECK(same_bits(d_x, layer.backward(context, c, {}, layer.forward(context, x, spoken()).saved, some)));
    Index trained = 0;
    for_each_parameter(
        [&](const std::string& name, const auto& full, const auto& part) {
          CHECK(part.empty() == !kept(name));
          if (part.empty()) return;
          ++trained;
          CHECK(same_bits<double, Cpu<>>(full, part));
        },
        all, some);
    CHECK((trained > 0) == !kept.train.empty());
  }
}

TEMPLATE_TEST_CASE("results of an FFN with adapters are bitwise identical for any number of threads",
                   "[layers][determinism]", Mix<float>, Lora<float>) {
  Draw draw("lora threads");
  TestType layer = [&] {
    if constexpr (std::is_same_v<TestType, Mix<float>>)
      return mole<float>(draw, 70, 300);
    else
      return lora<float>(draw, 70, 300);
  }();
  std::vector<std::int32_t> many;
  for (Index t = 0; t < 300; ++t) many.push_back(static_cast<std::int32_t>(draw.between(-1, 2)));
  const auto x = random_matrix<float, Cpu<>>(draw, 300, 70), c = random_matrix<float, Cpu<>>(draw, 300, 70);
  const auto step = [&](int threads) {
    const CpuContext own{.threads = threads};
    auto gradient = gradient_for(layer);
    std::vector<Matrix<float, Cpu<>>> results;
    auto run = layer.forward(own, x, spoken(many));
    results.push_back(run.output.copy());
    results.push_back(layer.backward(own, c, {}, std::move(run.saved), gradient));
    for_each_tensor([&](const auto& tensor) { results.push_back(tensor.copy()); }, gradient);
    results.push_back(layer.infer(own, x, spoken(many)));
    return results;
  };
  const auto one = step(1), three = step(3), again = step(3);
  REQUIRE(one.size() == three.size());
  for (std::size_t i = 0; i < one.size(); ++i) {
    CHECK(same_bits(one[i], three[i]));
    CHECK(same_bits(again[i], three[i]));
  }
}

TEST_CASE("MoLE's decoding matches infer, with the languages set in its state", "[layers][causality]") {
  Draw draw("mole decode");
  const auto layer = mole<double>(draw, 20, 24);
  const Index length = 6;
  // Two sequences; in the first, prose, then code of language 2 for several rows.
  const std::vector<std::int32_t> said = {-1, -1, 2, 2, 2, -1, 0, 1, 1, 1, 1, 1};
  const auto x = random_matrix<double, Cpu<>>(draw, 2 * length, 20);
  Batch batch = Batch::sequences(2, length);
  batch.languages = said;
  const CpuContext packed = pack_weights(context, layer);
  for (const bool is_packed : {false, true}) {
    const CpuContext& own = is_packed ? packed : context;
    const auto whole = layer.infer(own, x, batch);
    auto state = layer.begin_decoding(own, 2);
    double deviation = 0;
    for (Index t = 0; t < length; ++t) {
      const std::vector<std::int32_t> next = {said[static_cast<std::size_t>(t)],
                                              said[static_cast<std::size_t>(length + t)]};
      // Set only where it changes: the state keeps a language until then.
      if (t == 0 || state.languages != next) state.languages = next;
      const View<const double, Cpu<>> x_BD(x.data() + t * 20, 2, 20, length * 20);
      const auto y = layer.decode(own, x_BD, {}, state);
      for (Index b = 0; b < 2; ++b) {
        const auto expected = whole.view().row(b * length + t), got = y.view().row(b);
        for (Index d = 0; d < 20; ++d) deviation = std::max(deviation, std::abs(expected[d] - got[d]));
        if (is_packed) CHECK(std::equal(expected.begin(), expected.end(), got.begin()));
      }
    }
    CHECK(deviation < 1e-12);
  }
  // No languages set: prose.
  auto silent = layer.begin_decoding(context, 2);
  CHECK(same_bits(layer.decode(context, x.view().rows_between(0, 2), {}, silent),
                  layer.infer(context, x.view().rows_between(0, 2), Batch::single(2))));
}

TEST_CASE("a merged LoRA FFN is a dense FFN with the same output; several adapters cannot be merged", "[layers]") {
  Draw draw("merged lora");
  SwiGlu<double, Cpu<>> dense(5, 6);
  randomize(draw, dense);
  auto layer = make_lora(std::move(dense), 2, 3);
  randomize(draw, layer);
  const auto x = random_matrix<double, Cpu<>>(draw, rows, 5);
  const auto expected = values_of(layer.infer(context, x, Batch::single(rows)));
  const auto found = values_of(layer.merged(context).infer(context, x, Batch::single(rows)));
  const auto base = values_of(layer.base.infer(context, x, Batch::single(rows)));
  CHECK(relative_deviation(expected, found) < 1e-13);
  CHECK(relative_deviation(expected, base) > 1e-2);
  CHECK_THROWS_WITH(mole<double>(draw).merged(context),
                    "[LoraFfn::merged] one adapter can be merged into a weight, there are 5");
}

TEST_CASE("MoLE's outputs do not depend on batch neighbors", "[layers][causality]") {
  Draw draw("mole alone");
  const auto layer = mole<double>(draw);
  const auto x = random_matrix<double, Cpu<>>(draw, rows, 5);
  const auto together = layer.infer(context, x, spoken());
  for (Index t = 0; t < rows; ++t) {
    const std::vector<std::int32_t> one = {languages[static_cast<std::size_t>(t)]};
    const auto alone = layer.infer(context, x.view().rows_between(t, t + 1), spoken(one));
    CHECK(relative_deviation(values_of(together.view().rows_between(t, t + 1)), values_of(alone)) < 1e-13);
  }
}

TEST_CASE("batches without rows and rows without adapters are accepted", "[layers]") {
  Draw draw("lora corners");
  const auto layer = mole<double>(draw);
  auto run = layer.forward(context, Tensor(0, 5), Batch{});
  auto gradient = gradient_for(layer);
  CHECK(run.stats.load == std::vector<Index>(5, 0));
  CHECK(layer.backward(context, Tensor(0, 5), {}, std::move(run.saved), gradient).rows() == 0);
  for_each_tensor(
      [](const auto& slope) {
        for (Index i = 0; i < slope.size(); ++i) CHECK(slope.data()[i] == 0);
      },
      gradient);
  // A router that selects no adapter: only the base FFN computes.
  const LoraFfn<ReluRouter, double, Cpu<>> nobody(ReluRouter{},
                                                  [&] {
                                                    SwiGlu<double, Cpu<>> dense(5, 7);
                                                    copy_weights(layer.base, dense);
                                                    return dense;
                                                  }(),
                                                  {{.rank = 2}});
  const auto x = random_matrix<double, Cpu<>>(draw, 4, 5);
  CHECK(relative_deviation(values_of(layer.base.infer(context, x, Batch::single(4))),
                           values_of(nobody.infer(context, x, Batch::single(4)))) < 1e-13);
}

TEST_CASE("forward of an FFN with adapters takes ownership of a moved input", "[layers]") {
  Draw draw("owned lora");
  const auto layer = mole<double>(draw);
  auto x = random_matrix<double, Cpu<>>(draw, rows, 5);
  const auto c = random_matrix<double, Cpu<>>(draw, rows, 5);
  auto borrowed = gradient_for(layer), owned = gradient_for(layer);
  const auto d_x = layer.backward(context, c, {}, layer.forward(context, x, spoken()).saved, borrowed);
  const double* data = x.data();
  auto run = layer.forward(context, std::move(x), spoken());
  CHECK(run.saved.x_owned.data() == data);
  CHECK(same_bits(layer.backward(context, c, {}, std::move(run.saved), owned), d_x));
}

TEST_CASE("an observer is called with the adapters of each row", "[layers]") {
  Draw draw("observed adapters");
  const auto layer = mole<double>(draw);
  const auto x = random_matrix<double, Cpu<>>(draw, rows, 5);
  std::vector<Observation> seen;
  CpuContext watched = context;
  watched.layer = 3;
  watched.observer = [&](const Observation& o) { seen.push_back(o); };
  CHECK(same_bits(layer.forward(watched, x, spoken()).output, layer.forward(context, x, spoken()).output));
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].layer == 3);
  CHECK(seen[0].level == "token");
  CHECK(seen[0].rows == rows);
  CHECK(seen[0].experts == 5);
  CHECK(seen[0].logits.empty());
  for (std::size_t t = 0; t < languages.size(); ++t)
    for (std::size_t e = 0; e < 5; ++e) {
      const auto chosen = reference::mole_choice(3, languages[t]);
      const bool is_chosen = std::find(chosen.begin(), chosen.end(), e) != chosen.end();
      CHECK((seen[0].chosen[5 * t + e] != 0) == is_chosen);
      CHECK(seen[0].gates[5 * t + e] == (is_chosen ? 1 : 0));
    }
}

TEST_CASE("an FFN with adapters refuses arguments that do not fit, and works afterwards", "[layers][misuse]") {
  Draw draw("lora ffn misuse");
  const auto layer = mole<double>(draw);
  const auto x = random_matrix<double, Cpu<>>(draw, rows, 5);
  const auto before = layer.infer(context, x, spoken());
  const Tensor wide(rows, 7), two(2, 5);
  const std::vector<std::int32_t> one(1);
  CHECK_THROWS_WITH(layer.forward(context, wide, spoken()), "[LoraFfn::forward] x has 7 columns, gate_proj expects 5");
  CHECK_THROWS_WITH(layer.infer(context, wide, spoken()), "[LoraFfn::infer] x has 7 columns, gate_proj expects 5");
  CHECK_THROWS_WITH(layer.infer(context, x, spoken(one)), "[LoraFfn::infer] x has 13 rows, the batch describes 1");
  Batch few = Batch::single(rows);
  few.languages = one;
  CHECK_THROWS_WITH(layer.infer(context, x, few), "[LoraFfn::infer] x has 13 rows, the batch has 1 language");
  auto gradient = gradient_for(layer);
  CHECK_THROWS_WITH(layer.backward(context, two, {}, layer.forward(context, x, spoken()).saved, gradient),
                    "[LoraFfn::backward] d_y is 2 x 5, x was 13 x 5");
  CHECK_THROWS_WITH(layer.begin_decoding(context, -1),
                    "[LoraFfn::begin_decoding] the number of sequences must not be negative, got -1");
  auto state = layer.begin_decoding(context, 2);
  CHECK_THROWS_WITH(layer.prefill(context, wide, spoken(), state),
                    "[LoraFfn::prefill] x has 7 columns, gate_proj expects 5");
  CHECK_THROWS_WITH(layer.decode(context, wide, {}, state), "[LoraFfn::decode] x has 7 columns, gate_proj expects 5");
  CHECK_THROWS_WITH(layer.decode(context, two, one, state), "[LoraFfn::decode] x has 2 rows, got 1 token id");
  state.languages = one;
  CHECK_THROWS_WITH(layer.decode(context, two, {}, state), "[LoraFfn::decode] x has 2 rows, the state has 1 language");
  CHECK_THROWS_WITH(layer.prefill(context, two, Batch::sequences(2, 1), state),
                    "[LoraFfn::prefill] the batch has 2 sequences, the state has 1 language");
  const std::vector<std::int32_t> below{0, -2};
  state.languages = below;
  CHECK_THROWS_WITH(layer.decode(context, two, {}, state),
                    "[LoraFfn::decode] languages must be -1 (unknown) or not negative, got -2 for row 1");
  CHECK_THROWS_WITH((Mix<double>(LanguageChoice{.languages = 3}, SwiGlu<double, Cpu<>>(4, 4), {{}, {}})),
                    "[LoraFfn] the router chooses among 5 adapters, there are 2");
  CHECK_THROWS_WITH((Lora<double>(TopK{.k = 1}, SwiGlu<double, Cpu<>>(4, 4), {})),
                    "[AdapterBank] a bank needs at least 1 adapter, got 0");
  CHECK_THROWS_WITH(make_mole(SwiGlu<double, Cpu<>>(4, 4), {.languages = -1}),
                    "[make_mole] the number of languages must not be negative, got -1");
  CHECK(same_bits(before, layer.infer(context, x, spoken())));
}

TEST_CASE("the gradient tree of a bfloat16 layer holds floats and the same adapters", "[layers]") {
  const auto narrow = make_mole(SwiGlu<BFloat16, Shape>(16, 24), {.languages = 3, .shared_rank = 3});
  const LoraFfn<LanguageChoice, float, Shape> gradient = accum_gradient_for(narrow);
  CHECK(gradient.router.languages == 3);
  CHECK(gradient.adapters() == 5);
  CHECK(gradient.gate_proj.adapters[3].rank() == 3);
  CHECK(gradient.gate_proj.adapters[3].lora_A.rows() == 19);
}

TEST_CASE("the paper's layer has the expected names, ranks and scales", "[layers][golden]") {
  std::vector<std::string> names;
  for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); },
                     make_lora(SwiGlu<float, Shape>(4, 6)));
  CHECK(names == std::vector<std::string>{"gate_proj.weight", "up_proj.weight", "down_proj.weight",
                                          "gate_proj.lora_A.weight", "gate_proj.lora_B.weight", "up_proj.lora_A.weight",
                                          "up_proj.lora_B.weight", "down_proj.lora_A.weight",
                                          "down_proj.lora_B.weight"});
  const auto layer = make_mole(SwiGlu<float, Shape>(2048, 5504));
  names.clear();
  for_each_parameter([&](const std::string& name, const auto&) { names.push_back(name); }, layer);
  CHECK(names.size() == 3 + 3 * 2 * 10);
  CHECK(names[3 + 2 * 9 + 1] == "gate_proj.adapters.9.lora_B.weight");
  CHECK(layer.adapters() == 10);
  CHECK(layer.up_proj.adapters[0].size.scale == 4);
  CHECK(layer.up_proj.adapters[8].size.scale == Catch::Approx(32 / std::sqrt(48.0)));
  CHECK(layer.up_proj.adapters[9].rank() == 64);
  CHECK(layer.up_proj.adapters[9].size.scale == 4);
}

TEST_CASE("AnyLayer holds an FFN with adapters", "[layers][runtime]") {
  using Any = AnyLayer<double, Cpu<>>;
  Draw draw("any lora");
  SwiGlu<double, Cpu<>> dense(5, 7);
  randomize(draw, dense);
  Any layer(make_mole(SwiGlu<double, Cpu<>>(5, 7), {.languages = 3, .language_rank = 1, .shared_rank = 2}));
  upcycle(context, dense, layer, {.seed = 3});
  const auto x = random_matrix<double, Cpu<>>(draw, rows, 5);
  auto run = layer.forward(context, x, spoken());
  CHECK(relative_deviation(values_of(dense.infer(context, x, Batch::single(rows))), values_of(run.output)) < 1e-13);
  Any gradient = gradient_for(layer);
  layer.backward(context, x, {}, std::move(run.saved), gradient);
  layer.update_buffers(context, run.stats);
  CHECK(layer.is_causal());
  CHECK_THROWS_WITH(upcycle(context, dense, layer, {.noise_deviation = 0.1}),
                    Catch::Matchers::ContainsSubstring("must be 0, got 0.1 and 0"));
}

}  // namespace lora_ffn_test
