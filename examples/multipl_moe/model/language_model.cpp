#include "multipl_moe/model/language_model.hpp"

#include <type_traits>
#include <utility>

#include "moe/train/clip.hpp"
#include "moe/train/initialise.hpp"
#include "moe/train/walk.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/make.hpp"

namespace multipl_moe {

namespace {

/// A Transformer whose layers are what its configuration names, in float32 on the CPU.
class TransformerModel final : public LanguageModel {
 public:
  using Model = Transformer<Layer>;
  using Backend = Layer::Backend;

  TransformerModel(const ModelConfig& config, int threads, const LayerMaker& make = make_layer)
      : LanguageModel(config, threads), model_(make_transformer(config, make)) {
    context_.threads = threads;
  }

  bool is_causal() const override { return model_.layers.front().mlp.is_causal(); }

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

  MicroBatchLoss accumulate(const Sequences& sequences, double share, AuxiliaryWeights weights, Keep keep) override {
    const Rows rows(sequences);
    auto [h_TD, saved, stats] = model_.forward(context_, rows.tokens, rows.batch, keep);
    const double row_share = share / static_cast<double>(rows.tokens.size());
    auto [loss, d_h_TD] =
        loss_.loss_and_gradient(context_, model_.lm_head, h_TD, rows.targets, row_share, gradient_.lm_head);
    model_.backward(context_, d_h_TD, {.balance = share * weights.balance, .z = share * weights.z}, rows.tokens,
                    rows.batch, std::move(saved), gradient_);
    MicroBatchLoss result{loss / share, 0, 0};
    for (const auto& layer : stats) {
      result.balance += layer.balance_loss();
      result.z += layer.z_loss();
    }
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
    moe::set_to_zero(context_, gradient_);
    observed_.clear();
  }
  void calibrate(const Sequences& sequences) override {
    const Rows rows(sequences);
    model_.absorb(context_, model_.forward(context_, rows.tokens, rows.batch).stats);
  }

  void draw_by(moe::RandomKey key) override { context_.random = key; }
  void observe(moe::Observer observer) override { context_.observer = std::move(observer); }

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
    if (!is_causal())
      throw Failure("[generate] a model whose tokens see later ones cannot be decoded one token at a time");
    return std::make_unique<DecodingOf>(context_, model_);
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

}  // namespace

std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads) {
  return std::make_unique<TransformerModel>(config, threads);
}
std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads, const LayerMaker& make) {
  return std::make_unique<TransformerModel>(config, threads, make);
}

std::unique_ptr<LanguageModel> upcycled(LanguageModel& dense, const MoeConfig& mixture, const moe::Upcycling& start) {
  if (dense.config().moe)
    throw UsageError("[upcycle] the model must be dense, found " + dense.config().moe->architecture);
  ModelConfig config = dense.config();
  config.moe = mixture;
  if (config.expert_width() != config.intermediate_size)
    throw UsageError("[upcycle] an expert must be as wide as the dense FFN, " +
                     std::to_string(config.intermediate_size) + ", found " + std::to_string(config.expert_width()));
  if (const auto fault = fault_in(config)) throw UsageError("[upcycle] " + *fault);

  auto& base = dynamic_cast<TransformerModel&>(dense).model();
  auto result = std::make_unique<TransformerModel>(config, dense.threads());
  auto& model = result->model();
  model.embed_tokens.weight = base.embed_tokens.weight.copy();
  model.norm.weight = base.norm.weight.copy();
  moe::copy_weights(base.lm_head, model.lm_head);
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    auto& from = base.layers[l];
    auto& to = model.layers[l];
    moe::copy_weights(from.input_norm, to.input_norm);
    moe::copy_weights(from.post_attention_norm, to.post_attention_norm);
    moe::copy_weights(from.self_attn, to.self_attn);
    upcycle(result->context(), *from.mlp.as<Layer::Dense>(), to.mlp, start,
            "model.layers." + std::to_string(l) + ".mlp.");
  }
  return result;
}

}  // namespace multipl_moe
