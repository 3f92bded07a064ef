#include "multipl_moe/model/transformer.hpp"

#include <algorithm>
#include <cmath>

#include "small_model.hpp"
#include "support/catch.hpp"
#include "support/gradient_check.hpp"
#include "support/tolerance.hpp"

namespace transformer_test {

using namespace multipl_moe;
using namespace multipl_moe::testing;
using moe::Index;
using moe::testing::relative_deviation;
using moe::testing::values_of;

namespace {

using B = moe::Cpu<>;
using Double = Architectures<double, B>;

/// If rows select experts: the smallest gap between the logits of a selected and of another expert of a row.
template <class Decision>
double row_margin(const Decision& decision) {
  double margin = 1e9;
  const auto logits = decision.logits_RE.view();
  const auto chosen = decision.choice.chosen_RE.view();
  for (Index r = 0; r < logits.rows; ++r)
    for (Index a = 0; a < logits.cols; ++a)
      for (Index b = 0; b < logits.cols; ++b)
        if (chosen(r, a) > 1 && chosen(r, b) == 0) margin = std::min(margin, logits(r, a) - logits(r, b));
  return margin;
}

/// If experts select rows: the smallest gap between the scores of a selected and of another row of an expert.
template <class Decision>
double column_margin(const Decision& decision) {
  double margin = 1e9;
  const auto logits = decision.logits_RE.view();
  const auto chosen = decision.choice.chosen_RE.view();
  moe::Matrix<double, B> scores(logits.rows, logits.cols);
  for (Index r = 0; r < logits.rows; ++r) moe::softmax<double>(logits.row(r), scores.view().row(r));
  for (Index e = 0; e < logits.cols; ++e)
    for (Index a = 0; a < logits.rows; ++a)
      for (Index b = 0; b < logits.rows; ++b)
        if (chosen(a, e) != 0 && chosen(b, e) == 0)
          margin = std::min(margin, scores.view()(a, e) - scores.view()(b, e));
  return margin;
}

template <class Saved>
double margin_of(const Saved& saved) {
  double margin = 1e9;
  for (const auto& layer : saved.layers) {
    if constexpr (requires { layer.mlp.levels; })
      margin = std::min(
          {margin, row_margin(layer.mlp.levels.token.decision), column_margin(layer.mlp.levels.segment.decision)});
    else if constexpr (requires { layer.mlp.routed; })
      margin = std::min(margin, row_margin(layer.mlp.routed.decision));
  }
  return margin;
}

/// Compares the gradients of the whole model's loss, balance loss included, with central differences for some values of
/// every weight.
template <class Mlp>
void check_model_gradients(const ModelConfig& config) {
  const moe::CpuContext context{.threads = 1};
  const CrossEntropy<double, B> loss_of(5);
  const moe::Batch batch = moe::Batch::ragged({9, 3});
  const auto tokens = random_tokens(12, 19, 1), targets = random_tokens(12, 19, 2);
  constexpr double share = 1.0 / 12, balance_weight = 0.3;

  // A difference step changes logits by far less than this, so that the selection does not change.
  Transformer<Mlp> model;
  std::uint32_t stream = 0;
  do {
    REQUIRE(stream < 200);
    model = random_model<Mlp>(config, stream++);
  } while (margin_of(model.forward(context, tokens, batch).saved) < 100 * moe::testing::gradient_margin);

  const auto loss = [&] {
    auto run = model.forward(context, tokens, batch);
    Transformer<Mlp> unused = model.empty_tree();
    double total = loss_of.loss_and_gradient(context, model.head(), run.output, targets, share, unused.head()).loss;
    for (const auto& layer : run.stats) total += balance_weight * layer.balance_loss();
    return total;
  };
  Transformer<Mlp> gradient = moe::gradient_for(model);
  auto run = model.forward(context, tokens, batch);
  auto [value, d_h] = loss_of.loss_and_gradient(context, model.head(), run.output, targets, share, gradient.head());
  model.backward(context, d_h, {.balance = balance_weight}, tokens, batch, std::move(run.saved), gradient);
  moe::for_each_parameter(
      [&](const std::string& name, auto& weight, const auto& slope) {
        moe::testing::check_component_gradients(name, weight.view(), slope.view(), loss, moe::testing::layer_bar, 12);
      },
      model, gradient);
}

/// Every part of the attention of Qwen and Mixtral, none of them with a neutral value.
ModelConfig with_every_part(ModelConfig config) {
  config.attention_head_dim = 6;
  config.qk_norm = true;
  config.windows = {0, 3};
  config.rope_scaling = {.type = RotaryScaling::Type::yarn,
                         .factor = 4,
                         .original_positions = 20,
                         .attention_factor = 1.1,
                         .beta_fast = 2,
                         .beta_slow = 0.5};
  return config;
}

/// The largest change of h at positions before a changed token.
template <class Mlp>
double deviation_of_earlier(const ModelConfig& config) {
  const moe::CpuContext context{.threads = 1};
  const auto model = random_model<Mlp>(config, 3);
  auto tokens = random_tokens(30, 19, 4);
  const auto before = model.infer(context, tokens, moe::Batch::single(30));
  double deviation = 0;
  for (Index place = 29; place > 0; --place) {
    tokens[static_cast<std::size_t>(place)] = (tokens[static_cast<std::size_t>(place)] + 7) % 19;
    const auto after = model.infer(context, tokens, moe::Batch::single(30));
    deviation = std::max(deviation, relative_deviation(values_of(before.view().rows_between(0, place)),
                                                       values_of(after.view().rows_between(0, place))));
  }
  return deviation;
}

}  // namespace

TEST_CASE("gradients of a dense model match central differences", "[model]") {
  check_model_gradients<Double::Dense>(small_config());
}

TEST_CASE("gradients of causal MultiPL-MoE with normalized fusion match central differences", "[model]") {
  check_model_gradients<Double::Causal<moe::NormalizedFusion>>(
      small_config(small_mixture("causal-multipl-moe", "normalized")));
}

TEST_CASE("gradients of MultiPL-MoE as in the paper match central differences", "[model]") {
  check_model_gradients<Double::Paper<moe::FixedFusion>>(small_config(small_mixture("multipl-moe")));
}

TEST_CASE("gradients of Qwen1.5-MoE match central differences", "[model]") {
  check_model_gradients<Double::Qwen15Moe>(small_config(small_mixture("qwen1.5-moe")));
}

TEST_CASE("gradients of LoRA on all linear layers match central differences", "[model]") {
  check_model_gradients<Double::Lora>(small_config(small_mixture("lora")));
}

TEST_CASE("gradients with QK norms, windows and scaled rotary embeddings match central differences", "[model]") {
  auto config = with_every_part(small_config());
  check_model_gradients<Double::Dense>(config);
  config.attention_bias = false;
  config.moe = small_mixture("lora");
  check_model_gradients<Double::Lora>(config);
}

TEST_CASE("gradients with tied embeddings match central differences", "[model]") {
  auto config = small_config();
  config.tie_word_embeddings = true;
  check_model_gradients<Double::Dense>(config);
  config = small_config(small_mixture("lora"));
  config.tie_word_embeddings = true;
  check_model_gradients<Double::Lora>(config);
}

TEST_CASE("the gradient of a tied weight is the sum of the gradients of embedding and head", "[model]") {
  using Mlp = Double::Causal<moe::NormalizedFusion>;
  const moe::CpuContext context{.threads = 1};
  auto config = small_config(small_mixture("causal-multipl-moe", "normalized"));
  auto apart = random_model<Mlp>(config, 5);
  apart.lm_head.weight = apart.embed_tokens.table.weight.copy();
  config.tie_word_embeddings = true;
  // The head is drawn last: everything else has the values of the other model.
  const auto tied = random_model<Mlp>(config, 5);
  REQUIRE(moe::testing::same_bits<double, B>(tied.embed_tokens.table.weight, apart.embed_tokens.table.weight));
  REQUIRE(moe::testing::same_bits<double, B>(tied.norm.weight, apart.norm.weight));

  const auto tokens = random_tokens(12, 19, 1), targets = random_tokens(12, 19, 2);
  const moe::Batch batch = moe::Batch::ragged({9, 3});
  const auto gradient_of = [&](const Transformer<Mlp>& model) {
    const CrossEntropy<double, B> loss_of(5);
    auto gradient = moe::gradient_for(model);
    auto run = model.forward(context, tokens, batch);
    const auto [loss, d_h] =
        loss_of.loss_and_gradient(context, model.head(), run.output, targets, 1.0 / 12, gradient.head());
    model.backward(context, d_h, {.balance = 0.3}, tokens, batch, std::move(run.saved), gradient);
    return gradient;
  };
  const auto one = gradient_of(tied), two = gradient_of(apart);
  std::size_t weights = 0;
  moe::for_each_parameter([&](const std::string& name, const auto&) { weights += name == "lm_head.weight"; }, tied);
  CHECK(weights == 0);
  CHECK(one.lm_head.weight.empty());
  auto sum = two.embed_tokens.table.weight.copy();
  for (Index i = 0; i < sum.size(); ++i) sum.data()[i] += two.lm_head.weight.data()[i];
  CHECK(relative_deviation(values_of(sum.const_view()), values_of(one.embed_tokens.table.weight.view())) < 1e-13);
  // Neither gradient alone is close to the sum.
  CHECK(relative_deviation(values_of(sum.const_view()), values_of(two.lm_head.weight.view())) > 1e-2);
  CHECK(relative_deviation(values_of(sum.const_view()), values_of(two.embed_tokens.table.weight.view())) > 1e-2);
}

TEST_CASE("gradients with activation checkpointing are bitwise identical to those without", "[model]") {
  using Mlp = Double::Causal<moe::NormalizedFusion>;
  moe::CpuContext context{.threads = 2};
  int observed = 0;
  context.observer = [&](const moe::Observation&) { ++observed; };
  const auto config = small_config(small_mixture("causal-multipl-moe", "normalized"));
  const auto model = random_model<Mlp>(config, 11);
  const auto batch = moe::Batch::sequences(2, 15);
  const auto tokens = random_tokens(30, 19, 12);
  moe::testing::Draw draw("recomputed");
  const auto d_h_TD = moe::testing::random_matrix<double, B>(draw, 30, config.hidden_size);
  const auto gradient_with = [&](ActivationCheckpointing checkpointing) {
    auto gradient = moe::gradient_for(model);
    auto run = model.forward(context, tokens, batch, checkpointing);
    CHECK(run.saved.layers.empty() == (checkpointing == ActivationCheckpointing::on));
    model.backward(context, d_h_TD, {.balance = 0.3, .z = 0.1}, tokens, batch, std::move(run.saved), gradient);
    return gradient;
  };
  const auto kept = gradient_with(ActivationCheckpointing::off);
  const int decisions = observed;
  const auto recomputed = gradient_with(ActivationCheckpointing::on);
  // The observer is not called again for recomputed decisions.
  CHECK(observed == 2 * decisions);
  moe::for_each_parameter(
      [](const std::string& name, const auto& a, const auto& b) {
        INFO(name);
        CHECK(moe::testing::same_bits<double, B>(a, b));
      },
      kept, recomputed);
}

TEST_CASE("a later token does not change earlier outputs, except in a non-causal model", "[model]") {
  using Causal = Double::Causal<moe::NormalizedFusion>;
  using Paper = Double::Paper<moe::FixedFusion>;
  STATIC_REQUIRE(Causal::is_causal);
  STATIC_REQUIRE_FALSE(Paper::is_causal);
  CHECK(deviation_of_earlier<Double::Dense>(small_config()) < 1e-12);
  CHECK(deviation_of_earlier<Double::Dense>(with_every_part(small_config())) < 1e-12);
  CHECK(deviation_of_earlier<Causal>(small_config(small_mixture("causal-multipl-moe", "normalized"))) < 1e-12);
  CHECK(deviation_of_earlier<Paper>(small_config(small_mixture("multipl-moe"))) > 1e-3);
}

TEST_CASE("decoding one token at a time gives the logits of the whole text", "[model]") {
  using Mlp = Double::Causal<moe::FixedFusion>;
  const moe::CpuContext context{.threads = 2};
  auto config = small_config(small_mixture("causal-multipl-moe"));
  constexpr Index count = 3, length = 70;
  // A cache that grows, one that is full from the third token on, and one that is full once it has grown.
  SECTION("no windows") {}
  SECTION("windows, norms and a scaled rotary embedding") { config = with_every_part(std::move(config)); }
  SECTION("a window that is longer than the first cache") { config.windows = {66, 0}; }
  const auto model = random_model<Mlp>(config, 5);
  const auto tokens = random_tokens(count * length, 19, 6);
  const auto h_TD = model.infer(context, tokens, moe::Batch::sequences(count, length));
  const auto expected = model.lm_head.forward(context, h_TD);
  auto state = model.begin_decoding(context, count);
  double deviation = 0;
  for (Index t = 0; t < length; ++t) {
    std::vector<std::int32_t> next;
    for (Index b = 0; b < count; ++b) next.push_back(tokens[static_cast<std::size_t>(b * length + t)]);
    const auto logits = model.decode(context, next, {}, state);
    for (Index b = 0; b < count; ++b)
      deviation = std::max(
          deviation, relative_deviation(values_of(expected.view().rows_between(b * length + t, b * length + t + 1)),
                                        values_of(logits.view().rows_between(b, b + 1))));
  }
  CHECK(deviation < 1e-11);
}

TEST_CASE("texts of different lengths are prefilled in one pass and then decoded together", "[model]") {
  using Mlp = Double::Causal<moe::FixedFusion>;
  const moe::CpuContext context{.threads = 2};
  auto config = small_config(small_mixture("causal-multipl-moe"));
  SECTION("no windows") {}
  SECTION("windows that prompts do not fill, fill and exceed") { config.windows = {9, 3}; }
  const auto model = random_model<Mlp>(config, 5);
  constexpr Index length = 24;
  const auto tokens = random_tokens(3 * length, 19, 6);
  const auto h_TD = model.infer(context, tokens, moe::Batch::sequences(3, length));
  const auto expected = model.lm_head.forward(context, h_TD);
  const auto deviation = [&](const auto& logits, Index row, Index of_whole) {
    return relative_deviation(values_of(expected.view().rows_between(of_whole, of_whole + 1)),
                              values_of(logits.view().rows_between(row, row + 1)));
  };
  const auto token_at = [&](Index t) { return tokens[static_cast<std::size_t>(t)]; };
  // 3, 12 and 9 tokens; the last two sequences join the first.
  auto state = model.begin_decoding(context, 1), more = model.begin_decoding(context, 2);
  const std::span<const std::int32_t> all = tokens;
  CHECK(deviation(model.prefill(context, all.first(3), moe::Batch::single(3), state), 0, 2) < 1e-11);
  std::vector<std::int32_t> two(tokens.begin() + length, tokens.begin() + length + 12);
  two.insert(two.end(), tokens.begin() + 2 * length, tokens.begin() + 2 * length + 9);
  const auto after = model.prefill(context, two, moe::Batch::ragged({12, 9}), more);
  CHECK(deviation(after, 0, length + 11) < 1e-11);
  CHECK(deviation(after, 1, 2 * length + 8) < 1e-11);
  state.join(context, std::move(more));
  for (Index t = 0; t < 6; ++t) {
    const std::vector<std::int32_t> next{token_at(3 + t), token_at(length + 12 + t), token_at(2 * length + 9 + t)};
    const auto logits = model.decode(context, next, {}, state);
    CHECK(deviation(logits, 0, 3 + t) < 1e-11);
    CHECK(deviation(logits, 1, length + 12 + t) < 1e-11);
    CHECK(deviation(logits, 2, 2 * length + 9 + t) < 1e-11);
  }
  state.keep(context, {2, 1});
  const std::vector<std::int32_t> next{token_at(2 * length + 15), token_at(length + 18)};
  const auto logits = model.decode(context, next, {}, state);
  CHECK(deviation(logits, 0, 2 * length + 15) < 1e-11);
  CHECK(deviation(logits, 1, length + 18) < 1e-11);
}

TEST_CASE("the cache of a layer with a window keeps only the keys of the window", "[model]") {
  const moe::CpuContext context{.threads = 1};
  auto config = small_config();
  config.windows = {5, 0};
  const auto model = random_model<Double::Dense>(config, 7);
  const auto tokens = random_tokens(200, 19, 8);
  auto state = model.begin_decoding(context, 1);
  model.prefill(context, std::span(tokens).first(100), moe::Batch::single(100), state);
  for (std::size_t t = 100; t < 200; ++t) model.decode(context, std::span(tokens).subspan(t, 1), {}, state);
  const auto& cache = state.layers[0].attention.sequences[0];
  CHECK(cache.length == 200);
  CHECK(cache.k_LC.rows() == 5);
  CHECK(cache.v_LC.rows() == 5);
  CHECK(state.layers[1].attention.sequences[0].k_LC.rows() == 200);
}

TEST_CASE("a token outside the vocabulary is refused", "[model]") {
  const moe::CpuContext context{.threads = 1};
  const auto model = random_model<Double::Dense>(small_config(), 7);
  const std::vector<std::int32_t> tokens{3, 19};
  CHECK_THROWS_WITH(model.infer(context, tokens, moe::Batch::single(2)),
                    "[Embedding::forward] tokens must lie in [0, 19), got 19");
}

}  // namespace transformer_test
