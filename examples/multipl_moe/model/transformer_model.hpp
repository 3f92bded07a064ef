/// LanguageModel with weights and activations of one type: compiled for float in language_model.cpp, for bfloat16 in
/// bfloat16_model.cpp.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <type_traits>
#include <utility>
#include <variant>

#include "moe/layers/presets.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/adamw_state.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/pack_weights.hpp"
#include "moe/train/walk.hpp"
#include "moe/weights_in_file.hpp"
#include "multipl_moe/io/dtype.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/io/stored_model.hpp"
#include "multipl_moe/model/inference_plan.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/model/make.hpp"

namespace multipl_moe {

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

/// A Transformer with the layers that its configuration names, with weights and activations of type Value on the CPU.
template <class Value>
class TransformerModel final : public LanguageModel {
 public:
  using Backend = moe::Cpu<>;
  using Mlp = moe::AnyLayer<Value, Backend>;
  using Model = Transformer<Mlp>;
  /// Weights are trained with gradients in accumulation precision.
  using Gradient = typename Model::template rebind<moe::Accum<Value>>;
  static constexpr ModelDtype own_dtype = is_widened<Value> ? ModelDtype::bfloat16 : ModelDtype::float32;

  /// make(config) makes the layer in place of an FFN.
  TransformerModel(const ModelConfig& config, int threads, const auto& make)
      : LanguageModel(config, threads, own_dtype), number_of_(config), model_(make_transformer(config, make)) {
    context_.threads = threads;
  }

  bool is_causal() const override {
    return std::all_of(model_.layers.begin(), model_.layers.end(),
                       [](const Block<Mlp>& layer) { return layer.mlp.is_causal(); });
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

  std::vector<std::shared_ptr<const moe::io::FileMapping>> read_in_place(const StoredModel& stored,
                                                                         const ReadTensor& read) override {
    moe::WeightsInFile files(stored.tensors());
    moe::for_each_parameter(
        [&](const std::string& name, auto& tensor) {
          if constexpr (std::remove_cvref_t<decltype(tensor)>::rank == 2) {
            const StoredPart part = stored.find(name, shape_of(tensor));
            files.place(tensor, part.name, part.first);
          } else {
            read(slot_of(name, tensor));
          }
        },
        model_);
    moe::for_each_buffer([&](const std::string& name, auto& tensor) { read(slot_of(name, tensor)); }, model_);
    context_ = files.context(context_);
    is_in_files_ = true;
    return files.mappings();
  }

  void initialize(std::uint64_t seed, double deviation) override { moe::initialize(context_, model_, seed, deviation); }

  void begin_training(const moe::TrainByName& trains, AdamWPrecision precision, std::uint64_t seed) override {
    require_memory("trained");
    require_master_weights(own_dtype, precision.master);
    // `trains` is a rule for all architectures: some of its patterns may match no weight of this one.
    gradient_ = moe::accum_gradient_for(model_, [&](const std::string& name) { return trains(name); });
    if constexpr (!is_widened<Value>)
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
    return values_of(model_.head().forward_unrounded(context_, h_TD.view().rows_between(length - 1, length)));
  }

  std::unique_ptr<Decoding> begin_decoding(DecodingWeights weights) const override {
    if (!is_causal())
      throw Failure("[generate] the model must be causal to be decoded one token at a time, found one that is not");
    if constexpr (is_widened<Value>) {
      return std::make_unique<DecodingOf>(*this, context_);
    } else {
      if (is_in_files_) return std::make_unique<DecodingOf>(*this, context_);
      const Multiplied read{model_};
      if (weights == DecodingWeights::bfloat16)
        moe::for_each_parameter(
            [](const std::string& name, const auto& weight) { require_bfloat16(name, weight, "--weights float32"); },
            read);
      if (weights == DecodingWeights::int8)
        moe::for_each_parameter([](const std::string& name, const auto& weight) { require_finite(name, weight); },
                                read);
      if (weights == DecodingWeights::bfloat16_where_exact)
        weights = fits_bfloat16(read) ? DecodingWeights::bfloat16 : DecodingWeights::as_they_are;
      if (weights == DecodingWeights::as_they_are) return std::make_unique<DecodingOf>(*this, context_);
      require_free_memory("generate", std::array{copies_for_decoding(config(), weights)},
                          "--weights float32 makes no copies");
      return std::make_unique<DecodingOf>(*this, weights == DecodingWeights::int8
                                                     ? moe::pack_weights<moe::Int8Groups>(context_, read)
                                                     : moe::pack_weights<moe::BFloat16>(context_, read));
    }
  }

  Model& model() { return model_; }
  const Backend::Context& context() const { return context_; }

 private:
  /// Throws Failure if the weights are in a file, where they cannot be what `use` says.
  void require_memory(std::string_view use) const {
    if (is_in_files_) throw Failure(fmt::format("[weights] weights that stay in their file cannot be {}", use));
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
    using Backend = moe::Cpu<>;
    using Context = Backend::Context;
    const Model& model;

    template <class Visit>
    static void visit_parameters(Visit&& visit, const auto& prefix, const Multiplied& tree) {
      for (std::size_t l = 0; l < tree.model.layers.size(); ++l)
        Block<Mlp>::visit_parameters(visit, prefix + "model.layers." + std::to_string(l) + ".", tree.model.layers[l]);
      const char* const head = tree.model.is_tied ? "model.embed_tokens." : "lm_head.";
      moe::Linear<Value, Backend>::visit_parameters(visit, prefix + head, tree.model.head());
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

  /// Throws UsageError if a value is not finite, which 8 bits cannot store.
  template <class Tensor>
  static void require_finite(const std::string& name, const Tensor& weight) {
    const std::span<const float> values(weight.data(), static_cast<std::size_t>(weight.size()));
    const auto wrong = std::find_if(values.begin(), values.end(), [](float value) { return !std::isfinite(value); });
    if (wrong != values.end())
      throw UsageError(
          fmt::format("[int8] '{}' must have finite values to be stored in 8 bits, found {} at {}; "
                      "--weights float32 keeps it",
                      name, *wrong, place_in(shape_of(weight), static_cast<std::size_t>(wrong - values.begin()))));
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
  using WideMemory =
      std::variant<MemoryOf<float, moe::MasterWeights::float32>, MemoryOf<float, moe::MasterWeights::split>,
                   MemoryOf<float, moe::MasterWeights::bfloat16>, MemoryOf<moe::BFloat16, moe::MasterWeights::float32>,
                   MemoryOf<moe::BFloat16, moe::MasterWeights::split>,
                   MemoryOf<moe::BFloat16, moe::MasterWeights::bfloat16>>;
  using NarrowMemory =
      std::variant<MemoryOf<float, moe::MasterWeights::split>, MemoryOf<float, moe::MasterWeights::bfloat16>,
                   MemoryOf<moe::BFloat16, moe::MasterWeights::split>,
                   MemoryOf<moe::BFloat16, moe::MasterWeights::bfloat16>>;
  using Memory = std::conditional_t<is_widened<Value>, NarrowMemory, WideMemory>;

  Memory memory_of(AdamWPrecision precision, std::uint64_t seed) {
    return precision.moments == AdamWPrecision::Moments::float32 ? memory_with<float>(precision.master, seed)
                                                                 : memory_with<moe::BFloat16>(precision.master, seed);
  }
  template <class Moment>
  Memory memory_with(moe::MasterWeights master, std::uint64_t seed) {
    using enum moe::MasterWeights;
    switch (master) {
      case float32:
        if constexpr (!is_widened<Value>) return MemoryOf<Moment, float32>(context_, model_, gradient_, seed);
        break;
      case split:
        return MemoryOf<Moment, split>(context_, model_, gradient_, seed);
      case bfloat16:
        return MemoryOf<Moment, bfloat16>(context_, model_, gradient_, seed);
    }
    throw Failure("[--master-weights] must be one that --dtype allows, found another value");
  }

  template <class Tensor>
  static std::vector<std::int64_t> shape_of(const Tensor& tensor) {
    if constexpr (Tensor::rank == 2) return {tensor.rows(), tensor.cols()};
    return {tensor.cols()};
  }
  template <class Tensor>
  static TensorSlot slot_of(const std::string& name, Tensor& tensor) {
    TensorSlot slot{.name = name, .shape = shape_of(tensor)};
    const auto size = static_cast<std::size_t>(tensor.size());
    if constexpr (is_widened<typename Tensor::Value>) {
      slot.dtype = "BF16";
      slot.narrow = {tensor.data(), size};
    } else {
      slot.values = {tensor.data(), size};
    }
    return slot;
  }
  static std::string_view dtype_of(float) { return "F32"; }
  static std::string_view dtype_of(moe::BFloat16) { return "BF16"; }
  static std::string_view dtype_of(std::uint16_t) { return "U16"; }
  template <class Kept>
  static StateTensor state_tensor(std::string name, const std::vector<std::int64_t>& shape,
                                  moe::Matrix<Kept, Backend>& tensor) {
    return {std::move(name), shape, dtype_of(Kept()),
            std::as_writable_bytes(std::span(tensor.data(), static_cast<std::size_t>(tensor.size())))};
  }

  static std::vector<float> values_of(const typename Model::Logits& rows) {
    return {rows.data(), rows.data() + rows.size()};
  }

  /// The context with the pass's recorded expert choices.
  Backend::Context context_of(const Sequences& sequences) const {
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

  Backend::Context context_;
  moe::StepKey key_{};
  LanguageNumbers number_of_;
  Model model_;
  Gradient gradient_;
  Memory memory_;
  std::vector<typename Model::Stats> observed_;
  CrossEntropy<Value, Backend> loss_;
  bool is_in_files_ = false;
};

}  // namespace multipl_moe
