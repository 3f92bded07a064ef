/// LanguageModel with weights and activations of one type on one backend.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "moe/runtime/any_layer.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/adamw_state.hpp"
#include "moe/train/clip.hpp"
#include "moe/train/initialize.hpp"
#include "moe/train/snapshot.hpp"
#include "moe/train/walk.hpp"
#include "multipl_moe/io/errors.hpp"
#include "multipl_moe/model/language_model.hpp"
#include "multipl_moe/model/make.hpp"
#include "multipl_moe/model/shared_training.hpp"
#include "multipl_moe/model/value_checks.hpp"

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

namespace detail {

template <class... A, class... B>
std::variant<A..., B...> joined(std::type_identity<std::variant<A...>>, std::type_identity<std::variant<B...>>);

}  // namespace detail

/// A variant with the alternatives of two others.
template <class First, class Second>
using JoinedVariants = decltype(detail::joined(std::type_identity<First>(), std::type_identity<Second>()));

/// A Transformer with the layers that its configuration names, with weights and activations of type Value on Backend_.
template <class Value, class Backend_>
class TransformerModel : public LanguageModel {
 public:
  using Backend = Backend_;
  using Context = typename Backend::Context;
  using Mlp = moe::AnyLayer<Value, Backend>;
  using Model = Transformer<Mlp>;
  /// Weights are trained with gradients in accumulation precision.
  using Gradient = typename Model::template rebind<moe::Accum<Value>>;
  using Training = SharedTraining<Model, Gradient>;
  static constexpr ModelDtype own_dtype = is_widened<Value> ? ModelDtype::bfloat16 : ModelDtype::float32;

  /// make(config) makes the layer in place of an FFN. With `spread` no process has more than one layer whole, and that
  /// only until its experts are placed.
  TransformerModel(const ModelConfig& config, int threads, const auto& make, const ExpertSpread& spread = {})
      : LanguageModel(config, threads, own_dtype),
        model_(make_transformer(config,
                                [&](const ModelConfig& layer) {
                                  auto mlp = make(layer);
                                  Training::place(mlp, layer, spread);
                                  return mlp;
                                })),
        number_of_(config),
        placement_(spread.part().is_of_all() ? ExpertPlacement::everywhere : spread.placement) {
    context_.threads = threads;
    if (placement_ != ExpertPlacement::everywhere) Training::join(context_, *spread.ranks);
  }

  ExpertPlacement placement() const override { return placement_; }

  bool is_causal() const override {
    return std::all_of(model_.layers.begin(), model_.layers.end(),
                       [](const Block<Mlp>& layer) { return layer.mlp.is_causal(); });
  }

  std::vector<TensorRef> tensors() override {
    std::vector<TensorRef> all;
    const auto add = [&](const std::string& name, auto& tensor) { all.push_back(ref_of(name, tensor)); };
    moe::for_each_parameter(add, model_);
    const std::size_t parameters = all.size();
    moe::for_each_buffer(add, model_);
    for (std::size_t i = parameters; i < all.size(); ++i) all[i].is_buffer = true;
    if (placement_ != ExpertPlacement::everywhere) mark_elsewhere(config(), all);
    return all;
  }

  std::vector<std::shared_ptr<const moe::io::FileMapping>> read_in_place(const StoredModel&,
                                                                         const ReadTensor&) override {
    throw Failure("[weights] weights can stay in their file on the CPU alone, found a model on a device");
  }

  void initialize(std::uint64_t seed, double deviation) override { moe::initialize(context_, model_, seed, deviation); }

  void train_on(const RunRanks& ranks) override { training_.join(context_, ranks); }
  void use_slots(std::int64_t slots) override { training_.use_slots(slots); }
  void end_slot() override { training_.end_slot(context_, gradient_); }
  void reduce_gradient() override { training_.reduce(context_, gradient_); }

  void begin_training(const moe::TrainByName& trains, AdamWPrecision precision, std::uint64_t seed,
                      StatePlace place) override {
    require_master_weights(own_dtype, precision.master);
    // `trains` is a rule for all architectures: some of its patterns may match no weight of this one.
    Gradient gradient = moe::accum_gradient_for(model_, [&](const std::string& name) { return trains(name); });
    if constexpr (!is_widened<Value>)
      if (precision.master != moe::MasterWeights::float32)
        moe::for_each_parameter(
            [&](const std::string& name, auto& weight, const auto& slope) {
              if (!slope.empty()) require_bfloat16(ref_of(name, weight), "--master-weights float32");
            },
            model_, gradient);
    training_.begin(context_, gradient);
    training_.with_owned(context_, gradient, [&] { memory_ = memory_of(precision, seed, place, gradient); });
    // Making the state has rounded the weights that this rank owns.
    training_.share(context_, model_);
    gradient_ = std::move(gradient);
    observed_.clear();
    snapshots_.reset();
  }

  std::vector<TensorRef> optimizer_state() override {
    std::vector<TensorRef> state;
    for_each_state([&](std::string name, std::vector<std::int64_t> shape, auto& tensor) {
      state.push_back(ref_of(std::move(name), std::move(shape), tensor));
    });
    return state;
  }

  void reserve_snapshots() override {
    std::vector<std::size_t> bytes;
    for (const auto& list : {tensors(), optimizer_state()})
      for (const TensorRef& tensor : list) bytes.push_back(tensor.bytes);
    snapshots_.emplace(context_, bytes);
  }
  ModelTensors snapshot() override {
    if (!snapshots_) reserve_snapshots();
    ModelTensors taken{tensors(), optimizer_state()};
    snapshots_->begin();
    std::size_t number = 0;
    const auto copy = [&](const std::string&, const auto& from) { copy_to_snapshot(number++, from); };
    moe::for_each_parameter(copy, model_);
    moe::for_each_buffer(copy, model_);
    for_each_state([&](const std::string& name, const auto&, const auto& from) { copy(name, from); });
    const auto reader = std::make_shared<const typename moe::Snapshot<Backend>::Reader>(snapshots_->finish());
    number = 0;
    for (auto* list : {&taken.tensors, &taken.optimizer_state})
      for (TensorRef& tensor : *list) {
        tensor.memory = {};
        tensor.write = nullptr;
        tensor.read = [reader, number](std::size_t first, std::span<std::byte> to) {
          std::memcpy(to.data(), reader->bytes(number).data() + first, to.size());
        };
        ++number;
      }
    return taken;
  }

  std::vector<TensorRef> gradients() override {
    std::vector<TensorRef> all;
    const auto add = [&](const std::string& name, auto& gradient) {
      if (!gradient.empty()) all.push_back(ref_of(name + ".grad", gradient));
    };
    moe::for_each_parameter(add, gradient_);
    return all;
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

  double gradient_norm() const override { return training_.norm(context_, gradient_); }

  void step(const moe::AdamW& optimizer, double rate, std::int64_t step, double scale) override {
    training_.with_owned(context_, gradient_, [&] {
      std::visit([&](auto& memory) { optimizer.step(context_, rate, step, scale, model_, gradient_, memory); },
                 memory_);
    });
    training_.share(context_, model_);
    training_.update_buffers(context_, model_, observed_);
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
    return values_of(context_, model_.head().forward_unrounded(context_, h_TD.view().rows_between(length - 1, length)));
  }

  std::unique_ptr<Decoding> begin_decoding(DecodingWeights) const override {
    require_causal();
    return decoding_with(context_);
  }

  Model& model() { return model_; }
  const Context& context() const { return context_; }

 protected:
  /// Throws Failure if the model cannot be decoded.
  void require_causal() const {
    if (!is_causal())
      throw Failure("[generate] the model must be causal to be decoded one token at a time, found one that is not");
  }
  /// Decoding that reads the weights as `context` finds them.
  std::unique_ptr<Decoding> decoding_with(Context context) const {
    return std::make_unique<DecodingOf>(*this, std::move(context));
  }

  /// Whether the tensor is in pinned host memory. The host can access the values of such tensors in place, and those of
  /// a backend on the host.
  template <class Tensor>
  static constexpr bool is_pinned = std::is_same_v<Tensor, moe::PinnedMatrix<typename Tensor::Value, Backend>>;

  template <class Tensor>
  void copy_to_snapshot(std::size_t number, const Tensor& from) {
    using Number = typename Tensor::Value;
    if constexpr (is_pinned<Tensor>)
      std::memcpy(snapshots_->place(number).data(), from.data(),
                  static_cast<std::size_t>(from.size()) * sizeof(Number));
    else
      snapshots_->copy(number, moe::View<const Number, Backend>(from.data(), 1, from.size()));
  }

  /// Calls visit(name, shape, tensor) for every tensor of the optimizer state, after the copies of the last step.
  template <class Visit>
  void for_each_state(const Visit& visit) {
    const auto visit_all = [&](auto& memory) {
      memory.wait();
      std::size_t next = 0;
      const auto visit_of = [&](const std::string& name, const auto& weight) {
        if (next == memory.tensors().size()) return;  // Nothing trains yet.
        auto& kept = memory.tensors()[next++];
        if (kept.m.empty()) return;
        visit(name + ".exp_avg", shape_of(weight), kept.m);
        visit(name + ".exp_avg_sq", shape_of(weight), kept.v);
        if (!kept.lower.empty()) visit(name + ".master_lower", shape_of(weight), kept.lower);
      };
      moe::for_each_parameter(visit_of, model_);
    };
    std::visit(visit_all, memory_);
  }

  template <class Tensor>
  static std::vector<std::int64_t> shape_of(const Tensor& tensor) {
    if constexpr (Tensor::rank == 2) return {tensor.rows(), tensor.cols()};
    return {tensor.cols()};
  }
  template <class Tensor>
  TensorRef ref_of(std::string name, Tensor& tensor) const {
    return ref_of(std::move(name), shape_of(tensor), tensor);
  }
  template <class Tensor>
  TensorRef ref_of(std::string name, std::vector<std::int64_t> shape, Tensor& tensor) const {
    using Number = typename Tensor::Value;
    TensorRef ref{.name = std::move(name),
                  .shape = std::move(shape),
                  .dtype = dtype_of(Number()),
                  .bytes = static_cast<std::size_t>(tensor.size()) * sizeof(Number)};
    if constexpr (Backend::is_host || is_pinned<Tensor>) {
      ref.memory = {reinterpret_cast<std::byte*>(tensor.data()), ref.bytes};
    } else {
      const auto part = [data = tensor.data()](std::size_t first, std::size_t bytes) {
        return moe::View<Number, Backend>{data + first / sizeof(Number), 1,
                                          static_cast<moe::Index>(bytes / sizeof(Number))};
      };
      ref.read = [this, part](std::size_t first, std::span<std::byte> to) {
        Backend::template download<Number>(context_, part(first, to.size()), reinterpret_cast<Number*>(to.data()));
      };
      ref.write = [this, part](std::size_t first, std::span<const std::byte> from) {
        Backend::template upload<Number>(context_, reinterpret_cast<const Number*>(from.data()),
                                         part(first, from.size()));
      };
    }
    return ref;
  }

  Context context_;
  Model model_;

 private:
  class DecodingOf final : public Decoding {
   public:
    DecodingOf(const TransformerModel& owner, Context context)
        : owner_(owner), context_(std::move(context)), state_(owner.model_.begin_decoding(context_, 0)) {}

    std::vector<float> join(std::span<const Token> text, std::span<const std::optional<Language>> languages) override {
      const std::vector<std::int32_t> tokens(text.begin(), text.end()), numbers = numbers_of(languages);
      moe::Batch batch = moe::Batch::single(static_cast<moe::Index>(text.size()));
      batch.tokens = tokens;
      batch.languages = numbers;
      auto more = owner_.model_.begin_decoding(context_, 1);
      const auto logits = owner_.model_.prefill(context_, tokens, batch, more);
      state_.join(context_, std::move(more));
      return owner_.values_of(context_, logits);
    }
    std::vector<float> next(std::span<const Token> tokens,
                            std::span<const std::optional<Language>> languages) override {
      const std::vector<std::int32_t> ids(tokens.begin(), tokens.end());
      return owner_.values_of(context_, owner_.model_.decode(context_, ids, numbers_of(languages), state_));
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
    Context context_;
    typename Model::DecodingState state_;
  };

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

  template <class Place, moe::MasterWeights... masters>
  using FormsIn = std::variant<moe::AdamWState<Backend, float, masters, Place>...,
                               moe::AdamWState<Backend, moe::BFloat16, masters, Place>...>;
  template <class Place>
  using Forms = std::conditional_t<
      is_widened<Value>, FormsIn<Place, moe::MasterWeights::split, moe::MasterWeights::bfloat16>,
      FormsIn<Place, moe::MasterWeights::float32, moe::MasterWeights::split, moe::MasterWeights::bfloat16>>;
  static constexpr bool can_offload = moe::CopyLanesBackend<Backend>;
  using Memory = std::conditional_t<can_offload, JoinedVariants<Forms<moe::Resident>, Forms<moe::Offloaded>>,
                                    Forms<moe::Resident>>;

  Memory memory_of(AdamWPrecision precision, std::uint64_t seed, StatePlace place, const Gradient& gradient) {
    if (place == StatePlace::device) return memory_in<moe::Resident>(precision, seed, gradient);
    if constexpr (can_offload)
      return memory_in<moe::Offloaded>(precision, seed, gradient);
    else
      throw UsageError(
          "[--optimizer-state] host is memory beside a GPU, found a model on the CPU, whose state is in host memory "
          "anyway");
  }
  template <class Place>
  Memory memory_in(AdamWPrecision precision, std::uint64_t seed, const Gradient& gradient) {
    return precision.moments == AdamWPrecision::Moments::float32
               ? memory_with<Place, float>(precision.master, seed, gradient)
               : memory_with<Place, moe::BFloat16>(precision.master, seed, gradient);
  }
  template <class Place, class Moment>
  Memory memory_with(moe::MasterWeights master, std::uint64_t seed, const Gradient& gradient) {
    using enum moe::MasterWeights;
    switch (master) {
      case float32:
        if constexpr (!is_widened<Value>)
          return moe::AdamWState<Backend, Moment, float32, Place>(context_, model_, gradient, seed);
        break;
      case split:
        return moe::AdamWState<Backend, Moment, split, Place>(context_, model_, gradient, seed);
      case bfloat16:
        return moe::AdamWState<Backend, Moment, bfloat16, Place>(context_, model_, gradient, seed);
    }
    throw Failure("[--master-weights] must be one that --dtype allows, found another value");
  }

  static std::string_view dtype_of(float) { return "F32"; }
  static std::string_view dtype_of(moe::BFloat16) { return "BF16"; }
  static std::string_view dtype_of(std::uint16_t) { return "U16"; }
  std::vector<float> values_of(const Context& context, const typename Model::Logits& rows) const {
    std::vector<float> values(static_cast<std::size_t>(rows.size()));
    Backend::download(context, rows.const_view(), values.data());
    return values;
  }

  /// The context with the pass's recorded expert choices.
  Context context_of(const Sequences& sequences) const {
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

  moe::StepKey key_{};
  LanguageNumbers number_of_;
  ExpertPlacement placement_;
  Gradient gradient_;
  Training training_;
  Memory memory_;
  std::vector<typename Model::Stats> observed_;
  std::optional<moe::Snapshot<Backend>> snapshots_;
  CrossEntropy<Value, Backend> loss_;
};

}  // namespace multipl_moe
