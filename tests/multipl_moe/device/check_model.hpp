/// Checks whole models on a device against the same models on the CPU in double.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "../model/small_model.hpp"
#include "both_sides.hpp"
#include "multipl_moe/model/cross_entropy.hpp"

namespace multipl_moe::testing {

/// Here: the type of the FFN in double on the CPU; There: the same in another type on another backend.
template <class Here, class There>
struct ModelChecks {
  using Index = moe::Index;
  using B = typename There::Backend;
  using Value = typename There::Value;
  using Real = moe::Accum<Value>;

  ModelChecks(const ModelConfig& config, std::uint32_t stream)
      : here(random_model<Here>(config, stream)), there(make_transformer(config, make_mlp<There>)) {
    std::map<std::string, std::vector<double>> values;
    moe::for_each_parameter(
        [&](const std::string& name, auto& weight) {
          for (Index i = 0; i < weight.size(); ++i)
            weight.data()[i] =
                static_cast<double>(moe::widened(static_cast<Value>(static_cast<Real>(weight.data()[i]))));
          values[name].assign(weight.data(), weight.data() + weight.size());
        },
        here);
    moe::for_each_parameter(
        [&](const std::string& name, auto& weight) {
          using Number = typename std::remove_cvref_t<decltype(weight)>::Value;
          std::vector<Number> sent;
          for (const double value : values.at(name)) sent.push_back(static_cast<Number>(static_cast<Real>(value)));
          REQUIRE(static_cast<Index>(sent.size()) == weight.size());
          B::upload(context, sent.data(), weight.view());
        },
        there);
  }

  /// Output, loss, auxiliary losses, scores and the gradient of every weight.
  template <class Model>
  auto run(const typename Model::Context& on, const Model& model, ActivationCheckpointing checkpointing) const {
    using OnB = typename Model::Backend;
    std::map<std::string, std::vector<double>> results;
    const auto keep = [&](const std::string& name, const auto& tensor) {
      using Number = typename std::remove_cvref_t<decltype(tensor)>::Value;
      std::vector<Number> fetched(static_cast<std::size_t>(tensor.size()));
      OnB::download(on, tensor.const_view(), fetched.data());
      auto& kept = results[name];
      for (const Number value : fetched) kept.push_back(static_cast<double>(moe::widened(value)));
    };
    const CrossEntropy<typename Model::Value, OnB> loss_of(5);
    moe::Batch batch = moe::Batch::ragged({9, 4});
    batch.tokens = tokens;
    auto gradient = moe::accum_gradient_for(model);
    auto forward = model.forward(on, tokens, batch, checkpointing);
    keep("output", forward.output);
    auto [loss, d_h_TD] =
        loss_of.loss_and_gradient(on, model.head(), forward.output, targets, 1.0 / 13, gradient.head());
    results["loss"] = {loss};
    for (const auto& layer : forward.stats) results["balance loss"].push_back(layer.balance_loss());
    model.backward(on, d_h_TD, {.balance = 0.3}, tokens, batch, std::move(forward.saved), gradient);
    moe::for_each_parameter(keep, gradient);
    const auto scores = loss_of.score(on, model.head(), model.infer(on, tokens, batch), targets);
    results["scores"] = scores.losses;
    results["hits"].assign(scores.hits.begin(), scores.hits.end());
    return results;
  }

  /// nmse: the tolerance of every output and gradient.
  void agree(double nmse) const {
    const auto expected = run(moe::CpuContext{.threads = 1}, here, ActivationCheckpointing::off);
    const auto found = run(context, there, ActivationCheckpointing::off);
    REQUIRE(found.size() == expected.size());
    for (const auto& [name, values] : expected) {
      INFO(name);
      REQUIRE(found.at(name).size() == values.size());
      // The bias of keys has no gradient but rounding: softmax does not depend on a constant.
      if (name.ends_with("k_proj.bias")) continue;
      CHECK(moe::testing::nmse(values, found.at(name)) <= nmse);
    }
    CHECK(run(context, there, ActivationCheckpointing::off) == found);
    CHECK(run(context, there, ActivationCheckpointing::on) == found);
  }

  /// How often the host waits for the device in forward, in the loss and its gradient, and in backward.
  struct Waits {
    long forward, loss, backward;
    bool operator==(const Waits&) const = default;
  };
  Waits waits() const {
    const CrossEntropy<Value, B> loss_of(5);
    const moe::Batch batch = moe::Batch::ragged({9, 4});
    auto gradient = moe::accum_gradient_for(there);
    const long begin = context.device->waits;
    auto forward = there.forward(context, tokens, batch);
    const long after_forward = context.device->waits;
    const auto [loss, d_h_TD] =
        loss_of.loss_and_gradient(context, there.head(), forward.output, targets, 1.0 / 13, gradient.head());
    const long after_loss = context.device->waits;
    there.backward(context, d_h_TD, {.balance = 0.3}, tokens, batch, std::move(forward.saved), gradient);
    return {after_forward - begin, after_loss - after_forward, context.device->waits - after_loss};
  }

  /// Prompts of different lengths are prefilled and decoded with the logits of the whole texts.
  void decode(double bar) const {
    const auto text = random_tokens(3 * 20, 19, 6);
    const auto at = [&](Index sequence, Index t) { return text[static_cast<std::size_t>(20 * sequence + t)]; };
    const moe::CpuContext host{.threads = 1};
    const auto expected = here.head().forward(host, here.infer(host, text, moe::Batch::sequences(3, 20)));
    const auto deviation = [&](const auto& logits, Index row, Index of_whole) {
      std::vector<Real> found(static_cast<std::size_t>(logits.cols()));
      B::download(context, logits.const_view().rows_between(row, row + 1), found.data());
      return moe::testing::relative_deviation(
          moe::testing::values_of(expected.view().rows_between(of_whole, of_whole + 1)),
          std::vector<double>(found.begin(), found.end()));
    };
    // 3, 12 and 9 tokens; the last two sequences join the first.
    auto state = there.begin_decoding(context, 1), more = there.begin_decoding(context, 2);
    const std::span<const std::int32_t> all = text;
    CHECK(deviation(there.prefill(context, all.first(3), moe::Batch::single(3), state), 0, 2) < bar);
    std::vector<std::int32_t> two(text.begin() + 20, text.begin() + 32);
    two.insert(two.end(), text.begin() + 40, text.begin() + 49);
    const auto after = there.prefill(context, two, moe::Batch::ragged({12, 9}), more);
    CHECK(deviation(after, 0, 31) < bar);
    CHECK(deviation(after, 1, 48) < bar);
    state.join(context, std::move(more));
    for (Index t = 0; t < 6; ++t) {
      const std::vector<std::int32_t> next{at(0, 3 + t), at(1, 12 + t), at(2, 9 + t)};
      const auto logits = there.decode(context, next, {}, state);
      CHECK(deviation(logits, 0, 3 + t) < bar);
      CHECK(deviation(logits, 1, 32 + t) < bar);
      CHECK(deviation(logits, 2, 49 + t) < bar);
    }
    state.keep(context, {2, 1});
    const std::vector<std::int32_t> next{at(2, 15), at(1, 18)};
    const auto logits = there.decode(context, next, {}, state);
    CHECK(deviation(logits, 0, 55) < bar);
    CHECK(deviation(logits, 1, 38) < bar);
  }

  typename B::Context context;
  Transformer<Here> here;
  Transformer<There> there;
  std::vector<std::int32_t> tokens = random_tokens(13, 19, 1), targets = random_tokens(13, 19, 2);
};

}  // namespace multipl_moe::testing
