#include "multipl_moe/model/language_model.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <type_traits>
#include <utility>
#include <variant>

#include "moe/layers/presets.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/adamw_state.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/pack_weights.hpp"
#include "moe/train/upcycle.hpp"
#include "moe/train/walk.hpp"
#include "moe/weights_in_file.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/layer_maker.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/make.hpp"
#include "multipl_moe/model/tokenizer_fit.hpp"
#include "multipl_moe/model/upcycle_block.hpp"

namespace multipl_moe {

namespace {

/// The number of a language in the layers, which is the index of its adapter; -1 if it has no adapter.
class LanguageNumbers {
 public:
  explicit LanguageNumbers(const ModelConfig& config) {
    number_of_.fill(-1);
    if (!config.moe) return;
    const auto& names = config.moe->languages;
    for (std::size_t i = 0; i < names.size(); ++i)
      number_of_[index_of(language_named(names[i]))] = static_cast<std::int32_t>(i);
  }
  std::int32_t operator[](std::optional<Language> language) const {
    return language ? number_of_[index_of(*language)] : -1;
  }

 private:
  std::array<std::int32_t, language_count> number_of_{};
};

/// A Transformer with the layers that its configuration names, in float32 on the CPU.
class TransformerModel final : public LanguageModel {
 public:
  using Model = Transformer<Layer>;
  using Backend = Layer::Backend;

  TransformerModel(const ModelConfig& config, int threads, const LayerMaker& make = make_layer)
      : LanguageModel(config, threads), number_of_(config), model_(make_transformer(config, make)) {
    context_.threads = threads;
  }

  bool is_causal() const override {
    return std::all_of(model_.layers.begin(), model_.layers.end(),
                       [](const Block<Layer>& layer) { return layer.mlp.is_causal(); });
  }

  std::vector<TensorSlot> tensors() override {
    require_memory("read or written as a whole");
    std::vector<TensorSlot> slots;
    const auto add = [&](const std::string& name, auto& tensor) { slots.push_back(slot_of(name, tensor)); };
    moe::for_each_parameter(add, model_);
    const std::size_t parameters = slots.size();
    moe::for_each_buffer(add, model_);
    for (std::size_t i = parameters; i < slots.size(); ++i) slots[i].is_buffer = true;
    return slots;
  }

  const moe::WeightsInFile& read_in_place(const StoredModel& stored) override {
    in_file_ = std::make_unique<moe::WeightsInFile>(stored.tensors());
    const auto read = [&](const std::string& name, auto& tensor) {
      const auto shape = shape_of(tensor);
      if constexpr (std::remove_cvref_t<decltype(tensor)>::rank == 2) {
        const StoredPart part = stored.find(name, shape);
        if (in_file_->template fits<float>(part.name)) return in_file_->place(tensor, part.name, part.first);
      }
      stored.read_floats(name, shape, 0, {tensor.data(), static_cast<std::size_t>(tensor.size())});
    };
    moe::for_each_parameter(read, model_);
    moe::for_each_buffer(read, model_);
    context_ = in_file_->context(context_);
    return *in_file_;
  }

  void initialize(std::uint64_t seed, double deviation) override { moe::initialize(context_, model_, seed, deviation); }

  void begin_training(const moe::TrainByName& trains, AdamWPrecision precision, std::uint64_t seed) override {
    require_memory("trained");
    // `trains` is a rule for all architectures: some of its patterns may match no weight of this one.
    gradient_ = moe::gradient_for(model_, [&](const std::string& name) { return trains(name); });
    if (precision.master != moe::MasterWeights::float32)
      moe::for_each_parameter(
          [](const std::string& name, const auto& weight, const auto& slope) {
            if (!slope.empty()) require_bfloat16(name, weight, "--master-weights float32");
          },
          model_, gradient_);
    memory_ = memory_of(precision, seed);
    observed_.clear();
  }

  std::vector<StateTensor> optimizer_state() override {
    std::vector<StateTensor> state;
    const auto add_all = [&](auto& memory) {
      std::size_t next = 0;
      const auto add = [&](const std::string& name, const auto& weight) {
        if (next == memory.tensors().size()) return;  // Nothing trains yet.
        auto& kept = memory.tensors()[next++];
        const auto shape = shape_of(weight);
        if (kept.m.empty()) return;
        state.push_back(state_tensor(name + ".exp_avg", shape, kept.m));
        state.push_back(state_tensor(name + ".exp_avg_sq", shape, kept.v));
        if (!kept.lower.empty()) state.push_back(state_tensor(name + ".master_lower", shape, kept.lower));
      };
      moe::for_each_parameter(add, model_);
    };
    std::visit(add_all, memory_);
    return state;
  }

  std::vector<TensorSlot> gradients() override {
    std::vector<TensorSlot> slots;
    const auto add = [&](const std::string& name, auto& gradient) {
      if (!gradient.empty()) slots.push_back(slot_of(name + ".grad", gradient));
    };
    moe::for_each_parameter(add, gradient_);
    return slots;
  }

  MicroBatchLoss accumulate(const Sequences& sequences, double share, AuxiliaryWeights weights,
                            ActivationCheckpointing checkpointing) override {
    const Rows rows(sequences, number_of_, key_of(sequences));
    const auto context = context_of(sequences);
    auto [h_TD, saved, stats] = model_.forward(context, rows.tokens, rows.batch, checkpointing);
    const double row_share = share / static_cast<double>(rows.tokens.size());
    auto [loss, d_h_TD] =
        loss_.loss_and_gradient(context_, model_.head(), h_TD, rows.targets, row_share, gradient_.head());
    model_.backward(context, d_h_TD, {.balance = share * weights.balance, .z = share * weights.z}, rows.tokens,
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
    std::visit([&](auto& memory) { optimizer.step(context_, rate, step, scale, model_, gradient_, memory); }, memory_);
    for (const auto& stats : observed_) model_.update_buffers(context_, stats);
    discard_step();
  }
  void discard_step() override {
    moe::set_to_zero(context_, gradient_);
    observed_.clear();
  }
  void calibrate(const Sequences& sequences) override {
    const Rows rows(sequences, number_of_, key_of(sequences));
    model_.update_buffers(context_, model_.forward(context_of(sequences), rows.tokens, rows.batch).stats);
  }

  void draw_by(moe::StepKey key) override { key_ = key; }
  moe::Observer observe(moe::Observer observer) override {
    return std::exchange(context_.observer, std::move(observer));
  }

  TokenScores score(const Sequences& sequences) const override {
    const Rows rows(sequences, number_of_);
    auto scores = loss_.score(context_, model_.head(), model_.infer(context_of(sequences), rows.tokens, rows.batch),
                              rows.targets);
    return {std::move(scores.losses), std::move(scores.hits)};
  }

  std::vector<float> logits_after(std::span<const Token> text,
                                  std::span<const std::optional<Language>> languages) const override {
    const std::vector<std::int32_t> tokens(text.begin(), text.end());
    std::vector<std::int32_t> numbers;
    for (const auto& language : languages) numbers.push_back(number_of_[language]);
    const auto length = static_cast<moe::Index>(text.size());
    moe::Batch batch = moe::Batch::single(length);
    batch.tokens = tokens;
    batch.languages = numbers;
    const auto h_TD = model_.infer(context_, tokens, batch);
    return values_of(model_.head().forward(context_, h_TD.view().rows_between(length - 1, length)));
  }

  std::unique_ptr<Decoding> begin_decoding(DecodingWeights weights) const override {
    if (!is_causal())
      throw Failure("[generate] the model must be causal to be decoded one token at a time, found one that is not");
    if (in_file_) return std::make_unique<DecodingOf>(*this, context_);
    const Multiplied read{model_};
    const bool narrow = weights == DecodingWeights::bfloat16 ||
                        (weights == DecodingWeights::bfloat16_where_exact && fits_bfloat16(read));
    if (narrow)
      require_free_memory("generate", std::array{bfloat16_copies(config())}, "--weights float32 makes no copies");
    if (weights == DecodingWeights::bfloat16)
      moe::for_each_parameter(
          [](const std::string& name, const auto& weight) { require_bfloat16(name, weight, "--weights float32"); },
          read);
    return std::make_unique<DecodingOf>(*this, narrow ? moe::pack_weights<moe::BFloat16>(context_, read) : context_);
  }

  Model& model() { return model_; }
  const typename Backend::Context& context() const { return context_; }

 private:
  /// Throws Failure if the weights are in a file, where they cannot be what `use` says.
  void require_memory(std::string_view use) const {
    if (in_file_) throw Failure(fmt::format("[weights] weights that stay in their file cannot be {}", use));
  }

  /// The library's input types: 32-bit token ids, language numbers, and a batch of equally long sequences.
  struct Rows {
    Rows(const Sequences& sequences, const LanguageNumbers& number_of, std::optional<moe::StepKey> random = {})
        : tokens(sequences.tokens.begin(), sequences.tokens.end()),
          targets(sequences.targets.begin(), sequences.targets.end()),
          batch(moe::Batch::sequences(sequences.count, sequences.length)) {
      for (const Language language : sequences.languages)
        languages.insert(languages.end(), static_cast<std::size_t>(sequences.length), number_of[language]);
      batch.tokens = tokens;
      batch.languages = languages;
      batch.random = random;
    }
    std::vector<std::int32_t> tokens, targets, languages;
    moe::Batch batch;
  };

  /// The weights that decoding multiplies with: layers and head. Of the embedding it reads one row per token.
  struct Multiplied {
    using Backend = TransformerModel::Backend;
    using Context = Backend::Context;
    const Model& model;

    template <class Visit>
    static void visit_parameters(Visit&& visit, const auto& prefix, const Multiplied& tree) {
      for (std::size_t l = 0; l < tree.model.layers.size(); ++l)
        Block<Layer>::visit_parameters(visit, prefix + "model.layers." + std::to_string(l) + ".", tree.model.layers[l]);
      const char* const head = tree.model.is_tied ? "model.embed_tokens." : "lm_head.";
      moe::Linear<float, Backend>::visit_parameters(visit, prefix + head, tree.model.head());
    }
  };
  static bool fits_bfloat16(const Multiplied& weights) {
    bool fits = true;
    moe::for_each_tensor(
        [&](const auto& weight) {
          const std::span<const float> values(weight.data(), static_cast<std::size_t>(weight.size()));
          fits = fits && std::all_of(values.begin(), values.end(),
                                     [](float value) { return (std::bit_cast<std::uint32_t>(value) & 0xffff) == 0; });
        },
        weights);
    return fits;
  }

  /// Throws UsageError if a finite value would become infinite in bfloat16. `flag` is the setting that keeps the value.
  template <class Tensor>
  static void require_bfloat16(const std::string& name, const Tensor& weight, std::string_view flag) {
    const std::span<const float> values(weight.data(), static_cast<std::size_t>(weight.size()));
    if (const std::size_t at = first_too_large("BF16", values); at < values.size())
      throw UsageError(
          fmt::format("[bfloat16] '{}' must have values of at most {} to become bfloat16, found {} at {}: "
                      "it would become infinite; {} keeps it",
                      name, largest_of("BF16"), values[at], place_in(shape_of(weight), at), flag));
  }

  class DecodingOf final : public Decoding {
   public:
    DecodingOf(const TransformerModel& owner, Backend::Context context)
        : owner_(owner), context_(std::move(context)), state_(owner.model_.begin_decoding(context_, 0)) {}

    std::vector<float> join(std::span<const Token> text, std::span<const std::optional<Language>> languages) override {
      const std::vector<std::int32_t> tokens(text.begin(), text.end()), numbers = numbers_of(languages);
      moe::Batch batch = moe::Batch::single(static_cast<moe::Index>(text.size()));
      batch.tokens = tokens;
      batch.languages = numbers;
      auto more = owner_.model_.begin_decoding(context_, 1);
      const auto logits = owner_.model_.prefill(context_, tokens, batch, more);
      state_.join(context_, std::move(more));
      return values_of(logits);
    }
    std::vector<float> next(std::span<const Token> tokens,
                            std::span<const std::optional<Language>> languages) override {
      const std::vector<std::int32_t> ids(tokens.begin(), tokens.end());
      return values_of(owner_.model_.decode(context_, ids, numbers_of(languages), state_));
    }
    void keep(std::span<const std::int64_t> sequences) override {
      state_.keep(context_, {sequences.data(), static_cast<moe::Index>(sequences.size())});
    }

   private:
    std::vector<std::int32_t> numbers_of(std::span<const std::optional<Language>> languages) const {
      std::vector<std::int32_t> numbers;
      for (const auto& language : languages) numbers.push_back(owner_.number_of_[language]);
      return numbers;
    }

    const TransformerModel& owner_;
    Backend::Context context_;
    typename Model::DecodingState state_;
  };

  template <class Moment, moe::MasterWeights master>
  using MemoryOf = moe::AdamWState<Backend, Moment, master>;
  using Memory =
      std::variant<MemoryOf<float, moe::MasterWeights::float32>, MemoryOf<float, moe::MasterWeights::split>,
                   MemoryOf<float, moe::MasterWeights::bfloat16>, MemoryOf<moe::BFloat16, moe::MasterWeights::float32>,
                   MemoryOf<moe::BFloat16, moe::MasterWeights::split>,
                   MemoryOf<moe::BFloat16, moe::MasterWeights::bfloat16>>;

  Memory memory_of(AdamWPrecision precision, std::uint64_t seed) {
    return precision.moments == AdamWPrecision::Moments::float32 ? memory_with<float>(precision.master, seed)
                                                                 : memory_with<moe::BFloat16>(precision.master, seed);
  }
  template <class Moment>
  Memory memory_with(moe::MasterWeights master, std::uint64_t seed) {
    using enum moe::MasterWeights;
    switch (master) {
      case float32:
        return MemoryOf<Moment, float32>(context_, model_, gradient_, seed);
      case split:
        return MemoryOf<Moment, split>(context_, model_, gradient_, seed);
      case bfloat16:
        return MemoryOf<Moment, bfloat16>(context_, model_, gradient_, seed);
    }
    throw Failure("[--master-weights] must be float32, split or bfloat16, found another value");
  }

  template <class Tensor>
  static std::vector<std::int64_t> shape_of(const Tensor& tensor) {
    if constexpr (Tensor::rank == 2) return {tensor.rows(), tensor.cols()};
    return {tensor.cols()};
  }
  template <class Tensor>
  static TensorSlot slot_of(const std::string& name, Tensor& tensor) {
    return {
        .name = name, .shape = shape_of(tensor), .values = {tensor.data(), static_cast<std::size_t>(tensor.size())}};
  }
  static std::string_view dtype_of(float) { return "F32"; }
  static std::string_view dtype_of(moe::BFloat16) { return "BF16"; }
  static std::string_view dtype_of(std::uint16_t) { return "U16"; }
  template <class Value>
  static StateTensor state_tensor(std::string name, const std::vector<std::int64_t>& shape,
                                  moe::Matrix<Value, Backend>& tensor) {
    return {std::move(name), shape, dtype_of(Value()),
            std::as_writable_bytes(std::span(tensor.data(), static_cast<std::size_t>(tensor.size())))};
  }

  static std::vector<float> values_of(const typename Model::Tensor& rows) {
    return {rows.data(), rows.data() + rows.size()};
  }

  /// The context with the pass's recorded expert choices.
  typename Backend::Context context_of(const Sequences& sequences) const {
    auto context = context_;
    context.replay = sequences.routing;
    return context;
  }
  /// Random key of the routers: the run's key combined with the micro-batch's position in the run.
  moe::StepKey key_of(const Sequences& sequences) const {
    moe::StepKey key = key_;
    key.seed ^= 0x9E3779B97F4A7C15u * static_cast<std::uint64_t>(sequences.number + 1);
    return key;
  }

  typename Backend::Context context_;
  moe::StepKey key_{};
  LanguageNumbers number_of_;
  Model model_, gradient_;
  Memory memory_;
  std::vector<typename Model::Stats> observed_;
  CrossEntropy<float, Backend> loss_;
  std::unique_ptr<moe::WeightsInFile> in_file_;
};

}  // namespace

void LanguageModel::use_tokenizer(std::shared_ptr<const Tokenizer> tokenizer) {
  if (const auto misfit = misfit_of(*tokenizer, config_)) throw UsageError("[tokenizer] " + *misfit);
  tokenizer_ = std::move(tokenizer);
}

std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads) {
  return std::make_unique<TransformerModel>(config, threads);
}
std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads, const LayerMaker& make) {
  return std::make_unique<TransformerModel>(config, threads, make);
}

namespace {

using LoraFeedForward = moe::LoraFeedForward<Layer::Value, Layer::Backend>;
using Model = TransformerModel::Model;

/// Copies the weights outside of the decoder layers, which upcycling and merging leave unchanged.
void copy_all_but_layers(const Model& from, Model& to) {
  moe::copy_weights(from.embed_tokens, to.embed_tokens);
  to.norm.weight = from.norm.weight.copy();
  if (!to.is_tied) moe::copy_weights(from.head(), to.lm_head);
}
/// Copies generation defaults and tokenizer. The byte tokenizer is `to`'s default and is not set again: the check would
/// reject a vocabulary smaller than it, which a model without text may have.
void read_alike(const LanguageModel& from, LanguageModel& to) {
  to.set_generation(from.generation());
  if (from.tokenizer() != byte_tokenizer()) to.use_tokenizer(from.tokenizer());
}

}  // namespace

std::unique_ptr<LanguageModel> upcycled(LanguageModel& dense, const MoeConfig& mixture, const moe::Upcycling& start) {
  const ModelConfig config = upcycled_config(dense.config(), mixture, start);
  auto& base = dynamic_cast<TransformerModel&>(dense).model();
  auto result = std::make_unique<TransformerModel>(config, dense.threads());
  read_alike(dense, *result);
  auto& model = result->model();
  copy_all_but_layers(base, model);
  for (std::size_t l = 0; l < model.layers.size(); ++l)
    upcycle_block(result->context(), mixture, base.layers[l], model.layers[l], start, static_cast<std::int64_t>(l));
  return result;
}

std::unique_ptr<LanguageModel> merged(LanguageModel& adapted) {
  if (adapted.config().architecture() != "lora")
    throw UsageError("[merge] the model must be a LoRA, found " + std::string(adapted.config().architecture()));
  ModelConfig config = adapted.config();
  config.moe.reset();
  auto& lora = dynamic_cast<TransformerModel&>(adapted).model();
  auto result = std::make_unique<TransformerModel>(config, adapted.threads());
  read_alike(adapted, *result);
  auto& model = result->model();
  copy_all_but_layers(lora, model);
  for (std::size_t l = 0; l < model.layers.size(); ++l) {
    auto& from = lora.layers[l];
    auto& to = model.layers[l];
    moe::copy_weights(from.input_norm, to.input_norm);
    moe::copy_weights(from.post_attention_norm, to.post_attention_norm);
    const auto merge = [&](const auto& projection) {
      return Projection<Layer::Value, Layer::Backend>(projection.merged(result->context()));
    };
    to.self_attn.q_proj = merge(from.self_attn.q_proj);
    to.self_attn.k_proj = merge(from.self_attn.k_proj);
    to.self_attn.v_proj = merge(from.self_attn.v_proj);
    to.self_attn.o_proj = merge(from.self_attn.o_proj);
    to.self_attn.q_norm.weight = from.self_attn.q_norm.weight.copy();
    to.self_attn.k_norm.weight = from.self_attn.k_norm.weight.copy();
    to.mlp = Layer(from.mlp.as<LoraFeedForward>()->merged(result->context()));
  }
  return result;
}

}  // namespace multipl_moe
