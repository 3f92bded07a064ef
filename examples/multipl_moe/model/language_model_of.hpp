/// LanguageModel over one layer type; included by the files in instances/ only, one layer type each.
#pragma once

#include <utility>

#include "moe/train/clip.hpp"
#include "moe/train/initialise.hpp"
#include "moe/train/walk.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/make.hpp"

namespace multipl_moe {

template <class Mlp>
class LanguageModelOf final : public LanguageModel {
 public:
  using Model = Transformer<Mlp>;
  using Backend = typename Mlp::Backend;

  LanguageModelOf(const ModelConfig& config, int threads)
      : LanguageModel(config, threads), model_(make_transformer<Mlp>(config)) {
    context_.threads = threads;
  }

  bool is_causal() const override { return Mlp::is_causal; }

  std::vector<TensorSlot> tensors() override {
    std::vector<TensorSlot> slots;
    const auto add = [&](const std::string& name, auto& tensor) { slots.push_back(slot_of(name, tensor)); };
    moe::for_each_parameter(add, model_);
    moe::for_each_buffer(add, model_);
    return slots;
  }

  void initialise(std::uint64_t seed, double deviation) override { moe::initialise(context_, model_, seed, deviation); }

  void begin_training(const moe::TrainByName& trains) override {
    gradient_ = moe::gradient_for(model_, trains);
    first_moment_ = moe::gradient_for(model_, trains);
    second_moment_ = moe::gradient_for(model_, trains);
    observed_.clear();
  }

  std::vector<TensorSlot> moments() override {
    std::vector<TensorSlot> slots;
    const auto add = [&](const std::string& name, auto& first, auto& second) {
      if (first.empty()) return;
      slots.push_back(slot_of(name + ".exp_avg", first));
      slots.push_back(slot_of(name + ".exp_avg_sq", second));
    };
    moe::for_each_parameter(add, first_moment_, second_moment_);
    return slots;
  }

  MicroBatchLoss accumulate(const Sequences& sequences, double share, double balance_weight) override {
    const Rows rows(sequences);
    auto [h_TD, saved, stats] = model_.forward(context_, rows.tokens, rows.batch);
    const double row_share = share / static_cast<double>(rows.tokens.size());
    auto [loss, d_h_TD] =
        loss_.loss_and_gradient(context_, model_.lm_head, h_TD, rows.targets, row_share, gradient_.lm_head);
    model_.backward(context_, d_h_TD, {.balance = share * balance_weight}, rows.tokens, rows.batch, std::move(saved),
                    gradient_);
    MicroBatchLoss result{loss / share, 0};
    for (const auto& layer : stats) result.balance += layer.balance_loss();
    observed_.push_back(std::move(stats));
    return result;
  }

  double gradient_norm() const override { return moe::global_norm(context_, gradient_); }

  void step(const moe::AdamW& optimizer, double rate, std::int64_t step, double scale) override {
    optimizer.step(context_, rate, step, scale, model_, gradient_, first_moment_, second_moment_);
    for (const auto& stats : observed_) model_.absorb(context_, stats);
    discard_step();
  }
  void discard_step() override {
    moe::set_to_zero(gradient_);
    observed_.clear();
  }
  void calibrate(const Sequences& sequences) override {
    const Rows rows(sequences);
    model_.absorb(context_, model_.forward(context_, rows.tokens, rows.batch).stats);
  }

  TokenScores score(const Sequences& sequences) const override {
    const Rows rows(sequences);
    auto scores = loss_.score(context_, model_.lm_head, model_.infer(context_, rows.tokens, rows.batch), rows.targets);
    return {std::move(scores.losses), std::move(scores.hits)};
  }

  std::vector<float> logits_after(std::span<const Token> text) const override {
    const std::vector<std::int32_t> tokens(text.begin(), text.end());
    const auto length = static_cast<moe::Index>(text.size());
    moe::Batch batch = moe::Batch::single(length);
    batch.tokens = tokens;
    const auto h_TD = model_.infer(context_, tokens, batch);
    return values_of(model_.lm_head.forward(context_, h_TD.view().rows_between(length - 1, length)));
  }

  std::unique_ptr<Decoding> begin_decoding() const override {
    if constexpr (Mlp::is_causal)
      return std::make_unique<DecodingOf>(context_, model_);
    else
      throw Failure("[generate] a model whose tokens see later ones cannot be decoded one token at a time");
  }

  Model& model() { return model_; }
  const typename Backend::Context& context() const { return context_; }

 private:
  /// The types that the library reads: 32-bit token ids and a batch of equal sequences.
  struct Rows {
    explicit Rows(const Sequences& sequences)
        : tokens(sequences.tokens.begin(), sequences.tokens.end()),
          targets(sequences.targets.begin(), sequences.targets.end()),
          batch(moe::Batch::sequences(sequences.count, sequences.length)) {
      batch.tokens = tokens;
    }
    std::vector<std::int32_t> tokens, targets;
    moe::Batch batch;
  };

  class DecodingOf final : public Decoding {
   public:
    DecodingOf(const typename Backend::Context& context, const Model& model)
        : context_(context), model_(model), state_(model.begin_decoding(context, 1)) {}
    std::vector<float> next(Token token) override {
      const auto id = static_cast<std::int32_t>(token);
      return values_of(model_.decode(context_, {&id, 1}, state_));
    }

   private:
    const typename Backend::Context& context_;
    const Model& model_;
    typename Model::DecodingState state_;
  };

  template <class Tensor>
  static TensorSlot slot_of(const std::string& name, Tensor& tensor) {
    std::vector<std::int64_t> shape{tensor.cols()};
    if constexpr (Tensor::rank == 2) shape.insert(shape.begin(), tensor.rows());
    return {name, std::move(shape), {tensor.data(), static_cast<std::size_t>(tensor.size())}};
  }

  static std::vector<float> values_of(const typename Model::Tensor& row) {
    return {row.data(), row.data() + row.size()};
  }

  typename Backend::Context context_;
  Model model_, gradient_, first_moment_, second_moment_;
  std::vector<typename Model::Stats> observed_;
  CrossEntropy<float, Backend> loss_;
};

}  // namespace multipl_moe
