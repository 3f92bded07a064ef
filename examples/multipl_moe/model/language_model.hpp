/// A model of any architecture behind one interface, in float32 on the CPU: what training, evaluation and generation
/// need.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "moe/core/observation.hpp"
#include "moe/core/random.hpp"
#include "moe/core/routing_replay.hpp"
#include "moe/train/adamw.hpp"
#include "moe/train/freeze.hpp"
#include "moe/train/upcycle.hpp"
#include "multipl_moe/data/language.hpp"
#include "multipl_moe/io/generation_config.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/activation_checkpointing.hpp"
#include "multipl_moe/model/adamw_precision.hpp"
#include "multipl_moe/model/layers.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace multipl_moe {

/// A weight or buffer of a model, in the model's own memory.
struct TensorSlot {
  std::string name;
  std::vector<std::int64_t> shape;
  std::span<float> values;
  /// Thresholds and counters, which no optimizer moves.
  bool is_buffer = false;
};

/// What the optimizer remembers of a weight, in the model's own memory.
struct StateTensor {
  std::string name;
  std::vector<std::int64_t> shape;
  std::string_view dtype;  ///< as safetensors names it
  std::span<std::byte> bytes;
};

/// `count` sequences of `length` tokens and, for each token, the one that follows it. `languages` has the language of
/// each sequence, or is empty: a MoLE then takes all of it for text. What chance decides in training depends on
/// `number`, the first sequence's place in the run, so that it never is the same again and comes back on resuming.
struct Sequences {
  std::int64_t count = 0;
  std::int64_t length = 0;
  std::span<const Token> tokens;
  std::span<const Token> targets;
  std::span<const Language> languages{};
  std::int64_t number = 0;
  /// Whose choices of experts the pass works on; null: those of the routers.
  const moe::RoutingReplay* routing = nullptr;
};

/// Means over a micro-batch: -log p of the next token (nats), and the sums over layers of the balance loss N sum f p
/// and of the router z-loss.
struct MicroBatchLoss {
  double loss = 0;
  double balance = 0;
  double z = 0;
};

/// What the losses beside the main one weigh.
struct AuxiliaryWeights {
  double balance = 0;
  double z = 0;
};

/// For each token of some sequences: -log p of its target (nats), and whether the target was the most probable token.
struct TokenScores {
  std::vector<double> losses;
  std::vector<std::uint8_t> hits;
};

/// How decoding has the matrices, which it reads whole for every token and waits for: in bfloat16 they are half as
/// long.
enum class DecodingWeights {
  as_they_are,           ///< the model's own, in float32
  bfloat16,              ///< copies rounded to bfloat16, beside the model's own; sums stay float32
  bfloat16_where_exact,  ///< such copies where no value changes, as in a checkpoint of that type; else as_they_are
};

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  const ModelConfig& config() const { return config_; }
  int threads() const { return threads_; }
  /// How the model's tokens read; bytes where nobody said otherwise.
  const std::shared_ptr<const Tokenizer>& tokenizer() const { return tokenizer_; }
  /// Throws UsageError where the vocabulary does not hold the tokenizer's tokens.
  void use_tokenizer(std::shared_ptr<const Tokenizer> tokenizer);
  /// How the model asks to be sampled; it is saved with it.
  const GenerationConfig& generation() const { return generation_; }
  void set_generation(GenerationConfig generation) { generation_ = std::move(generation); }

  /// Whether no token sees a later one, so that text can be generated one token at a time.
  virtual bool is_causal() const = 0;

  /// Every weight, and every buffer after them.
  virtual std::vector<TensorSlot> tensors() = 0;
  /// Draws all matrices from N(0, deviation^2) by seed and name.
  virtual void initialize(std::uint64_t seed, double deviation) = 0;

  // --- training -----------------------------------------------------------------------------------------------------

  /// Allocates gradients and what AdamW remembers for the weights that train. Where `precision` says so, these weights
  /// become bfloat16 now. `seed` names the bits by which numbers are rounded by chance. Throws UsageError where that
  /// would make a finite weight infinite.
  virtual void begin_training(const moe::TrainByName& trains, AdamWPrecision precision = {},
                              std::uint64_t seed = 0) = 0;
  /// AdamW's moments of the weights that train, `<weight>.exp_avg` and `<weight>.exp_avg_sq`, and the lower halves of
  /// split weights, `<weight>.master_lower`; none before begin_training().
  virtual std::vector<StateTensor> optimizer_state() = 0;
  /// The gradients of the weights that train, `<weight>.grad`; none before begin_training().
  virtual std::vector<TensorSlot> gradients() = 0;
  /// Forward and backward: adds the gradient of share * (mean loss + weighted auxiliary losses) to what is there. With
  /// ActivationCheckpointing::on the activations inside layers are computed twice instead of kept; the numbers are the
  /// same.
  virtual MicroBatchLoss accumulate(const Sequences& batch, double share, AuxiliaryWeights weights,
                                    ActivationCheckpointing checkpointing = ActivationCheckpointing::off) = 0;
  /// The global norm of the gradient; not finite as soon as one value is not.
  virtual double gradient_norm() const = 0;
  /// Updates the weights by `scale` times the gradient, learns what the micro-batches observed, and clears both.
  virtual void step(const moe::AdamW& optimizer, double rate, std::int64_t step, double scale) = 0;
  /// Clears gradient and observations without using them.
  virtual void discard_step() = 0;
  /// Learns thresholds from a batch without training.
  virtual void calibrate(const Sequences& batch) = 0;

  /// What routers draw by in training from now on. Inference knows no key: where it draws, as no architecture of the
  /// configuration does, it draws alike in every call.
  virtual void draw_by(moe::StepKey key) = 0;
  /// Tells `observer` every routing decision from now on; an empty one ends it. Returns the one before.
  virtual moe::Observer observe(moe::Observer observer) = 0;

  // --- use ----------------------------------------------------------------------------------------------------------

  /// Scores every token with the inference routers.
  virtual TokenScores score(const Sequences& batch) const = 0;
  /// The logits after a whole text of at least one token, by a forward pass over all of it. `languages` is empty or has
  /// the language of each token.
  virtual std::vector<float> logits_after(std::span<const Token> text,
                                          std::span<const std::optional<Language>> languages = {}) const = 0;

  /// Sequences that are decoded together, each with a length of its own; only causal models can. Where layers are
  /// batch-independent, no bit of a sequence's logits depends on up to seven others beside it.
  class Decoding {
   public:
    virtual ~Decoding() = default;
    /// A new sequence, behind those there are: reads the whole `text` of at least one token in one pass and gives the
    /// logits after it. `languages` is empty or has the language of each token.
    virtual std::vector<float> join(std::span<const Token> text,
                                    std::span<const std::optional<Language>> languages = {}) = 0;
    /// One more token of each sequence and its language -> the logits of the first sequence, then those of the next.
    virtual std::vector<float> next(std::span<const Token> tokens,
                                    std::span<const std::optional<Language>> languages = {}) = 0;
    /// Only these sequences stay, in this order; each number occurs once.
    virtual void keep(std::span<const std::int64_t> sequences) = 0;
  };
  /// Throws Failure where the model is not causal, UsageError where bfloat16 was asked for and a finite weight would
  /// become infinite. The model must outlive the result, its weights unchanged.
  virtual std::unique_ptr<Decoding> begin_decoding(DecodingWeights weights = DecodingWeights::as_they_are) const = 0;

 protected:
  LanguageModel(ModelConfig config, int threads) : config_(std::move(config)), threads_(threads) {}

 private:
  ModelConfig config_;
  int threads_;
  std::shared_ptr<const Tokenizer> tokenizer_ = byte_tokenizer();
  GenerationConfig generation_;
};

/// Makes what stands in place of a layer's FFN, all weights 0.
using LayerMaker = std::function<Layer(const ModelConfig&)>;

/// A model of the configured type; norms are 1, everything else 0.
std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads);
/// The same with what `make` makes as every layer's FFN, whatever the configuration says of it.
std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads, const LayerMaker& make);

/// A mixture that starts from a dense model: experts and routers as `start` says, everything else is the dense model's.
/// A LoRA starts as the dense model, a MoLE with the adapters that its weights are split into; `start` then gives the
/// seed alone. Qwen1.5-MoE's experts are shards of the dense FFN (moe/train/split_into_experts.hpp). Throws UsageError
/// where `dense` is a mixture itself, where sizes differ and where `start` asks for more than the architecture has.
std::unique_ptr<LanguageModel> upcycled(LanguageModel& dense, const MoeConfig& mixture, const moe::Upcycling& start);

/// The dense model that answers as a LoRA does, up to rounding: every adapter is added to its weight. Throws UsageError
/// where the model is none.
std::unique_ptr<LanguageModel> merged(LanguageModel& adapted);

}  // namespace multipl_moe
