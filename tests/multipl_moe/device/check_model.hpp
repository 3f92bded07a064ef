/// Checks whole models on a device against the same models on the CPU in double.
#pragma once

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
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
      : ModelChecks(random_model<Here>(config, stream), make_transformer(config, make_mlp<There>)) {}
  /// The weights of `own`, rounded to Value, on both sides.
  ModelChecks(Transformer<Here> own, Transformer<There> other) : here(std::move(own)), there(std::move(other)) {
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

  moe::Batch batch() const {
    moe::Batch batch = moe::Batch::ragged({9, 4});
    batch.tokens = tokens;
    batch.languages = languages;
    batch.random = {.seed = 4, .step = 2};
    return batch;
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
    const moe::Batch batch = this->batch();
    auto gradient = moe::accum_gradient_for(model);
    auto forward = model.forward(on, tokens, batch, checkpointing);
    keep("output", forward.output);
    auto [loss, d_h_TD] =
        loss_of.loss_and_gradient(on, model.head(), forward.output, targets, 1.0 / 13, gradient.head());
    results["loss"] = {loss};
    for (const auto& layer : forward.stats) {
      results["balance loss"].push_back(layer.balance_loss());
      results["z loss"].push_back(layer.z_loss());
    }
    model.backward(on, d_h_TD, {.balance = 0.3, .z = 0.1}, tokens, batch, std::move(forward.saved), gradient);
    moe::for_each_parameter(keep, gradient);
    const auto scores = loss_of.score(on, model.head(), model.infer(on, tokens, batch), targets);
    results["scores"] = scores.losses;
    results["hits"].assign(scores.hits.begin(), scores.hits.end());
    return results;
  }

  /// nmse: the tolerance of every output and gradient. A gradient is compared as one of at least `least` times the root
  /// mean square of all gradients: rounding leaves little of sums that nearly cancel.
  void agree(double nmse, double least = 0) const {
    const auto expected = run(moe::CpuContext{.threads = 1}, here, ActivationCheckpointing::off);
    const auto found = run(context, there, ActivationCheckpointing::off);
    REQUIRE(found.size() == expected.size());
    // Weights have names with a dot.
    const auto is_gradient = [](const std::string& name) { return name.find('.') != std::string::npos; };
    double squares = 0, count = 0;
    for (const auto& [name, values] : expected)
      if (is_gradient(name)) squares += square_of(values), count += static_cast<double>(values.size());
    const double least_square = least * least * squares / count;
    for (const auto& [name, values] : expected) {
      INFO(name);
      REQUIRE(found.at(name).size() == values.size());
      // The bias of keys has no gradient but rounding: softmax does not depend on a constant.
      if (name.ends_with("k_proj.bias")) continue;
      auto error = values;
      for (std::size_t i = 0; i < values.size(); ++i) error[i] -= found.at(name)[i];
      const double floor = is_gradient(name) ? least_square * static_cast<double>(values.size()) : 0;
      CHECK(square_of(error) <= nmse * std::max(square_of(values), floor));
    }
    CHECK(run(context, there, ActivationCheckpointing::off) == found);
    CHECK(run(context, there, ActivationCheckpointing::on) == found);
  }

  static double square_of(const std::vector<double>& values) {
    return std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  }

  /// How often the host waits for the device, uploads to it and launches a function on it.
  struct Counts {
    long waits, uploads, launches;
  };
  template <class Run>
  Counts counts(const Run& run) const {
    const auto& device = *context.device;
    const Counts before{device.waits, device.uploads, device.launches};
    run();
    return {device.waits - before.waits, device.uploads - before.uploads, device.launches - before.launches};
  }
  struct StepCounts {
    Counts forward, loss, backward;
  };
  StepCounts step_counts() const {
    const CrossEntropy<Value, B> loss_of(5);
    const moe::Batch batch = this->batch();
    auto gradient = moe::accum_gradient_for(there);
    decltype(there.forward(context, tokens, batch)) forward;
    typename Transformer<There>::Tensor d_h_TD;
    StepCounts step;
    step.forward = counts([&] { forward = there.forward(context, tokens, batch); });
    step.loss = counts([&] {
      d_h_TD =
          loss_of.loss_and_gradient(context, there.head(), forward.output, targets, 1.0 / 13, gradient.head()).d_h_TD;
    });
    step.backward = counts([&] {
      there.backward(context, d_h_TD, {.balance = 0.3, .z = 0.1}, tokens, batch, std::move(forward.saved), gradient);
    });
    return step;
  }

  /// Prompts of different lengths are prefilled and decoded with the logits of the whole texts.
  void decode(double bar) const {
    const moe::CpuContext host{.threads = 1};
    const auto expected = here.head().forward(host, here.infer(host, text.tokens, text.batch()));
    const auto deviation = [&](const auto& logits, Index row, Index of_whole) {
      std::vector<Real> found(static_cast<std::size_t>(logits.cols()));
      B::download(context, logits.const_view().rows_between(row, row + 1), found.data());
      return moe::testing::relative_deviation(
          moe::testing::values_of(expected.view().rows_between(of_whole, of_whole + 1)),
          std::vector<double>(found.begin(), found.end()));
    };
    // The first 3, 6 and 5 tokens; the last two sequences join the first.
    auto state = there.begin_decoding(context, 1), more = there.begin_decoding(context, 2);
    const auto prefill = [&](const Text& prompts, auto& into) {
      return there.prefill(context, prompts.tokens, prompts.batch(), into);
    };
    const auto decode = [&](const std::vector<Index>& places) {
      const Text next = text.at(places);
      const auto logits = there.decode(context, next.tokens, next.languages, state);
      for (std::size_t b = 0; b < places.size(); ++b) CHECK(deviation(logits, static_cast<Index>(b), places[b]) < bar);
    };
    CHECK(deviation(prefill(text.prompts({{0, 3}}), state), 0, 2) < bar);
    const auto after = prefill(text.prompts({{7, 6}, {18, 5}}), more);
    CHECK(deviation(after, 0, 12) < bar);
    CHECK(deviation(after, 1, 22) < bar);
    state.join(context, std::move(more));
    for (Index t = 0; t < 4; ++t) decode({3 + t, 13 + t, 23 + t});
    state.keep(context, {2, 1});
    decode({27, 17});
  }

  /// Tokens of several sequences and their languages.
  struct Text {
    std::vector<std::int32_t> tokens, languages;
    std::vector<Index> lengths;

    moe::Batch batch() const {
      moe::Batch batch = moe::Batch::ragged(lengths);
      batch.tokens = tokens;
      batch.languages = languages;
      return batch;
    }
    Text at(const std::vector<Index>& places) const {
      Text some;
      for (const Index t : places) {
        some.tokens.push_back(tokens[static_cast<std::size_t>(t)]);
        some.languages.push_back(languages[static_cast<std::size_t>(t)]);
        some.lengths.push_back(1);
      }
      return some;
    }
    /// Sequences by their first tokens and lengths.
    Text prompts(const std::vector<std::pair<Index, Index>>& parts) const {
      std::vector<Index> places;
      for (const auto& [first, count] : parts)
        for (Index t = first; t < first + count; ++t) places.push_back(t);
      Text some = at(places);
      some.lengths.clear();
      for (const auto& [first, count] : parts) some.lengths.push_back(count);
      return some;
    }
  };

  typename B::Context context;
  Transformer<Here> here;
  Transformer<There> there;
  std::vector<std::int32_t> tokens = random_tokens(13, 19, 1), targets = random_tokens(13, 19, 2),
                            languages = random_tokens(13, 3, 3);
  Text text{random_tokens(28, 19, 6), random_tokens(28, 3, 7), {7, 11, 10}};
};

}  // namespace multipl_moe::testing
