/// Interface to a model of any architecture, on any device, for training, evaluation and generation.
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
#include "moe/train/freeze.hpp"
#include "moe/train/upcycling.hpp"
#include "multipl_moe/data/language.hpp"
#include "multipl_moe/io/generation_config.hpp"
#include "multipl_moe/io/model_config.hpp"
#include "multipl_moe/model/activation_checkpointing.hpp"
#include "multipl_moe/model/adamw_precision.hpp"
#include "multipl_moe/model/decoding_weights.hpp"
#include "multipl_moe/model/device.hpp"
#include "multipl_moe/model/expert_spread.hpp"
#include "multipl_moe/model/model_dtype.hpp"
#include "multipl_moe/model/state_place.hpp"
#include "multipl_moe/model/tensor_ref.hpp"
#include "multipl_moe/tokenizer/tokenizer.hpp"

namespace moe {
// Declared only: files that include this header do not compile the optimizer, nor the CPU backend.
struct AdamW;
namespace io {
class FileMapping;
}
}  // namespace moe

namespace multipl_moe {

class StoredModel;

/// `count` sequences of `length` tokens and, for each token, the one that follows it as its target. `languages` has the
/// language of each sequence, or is empty: a MoLE then treats all of it as text. Random draws in training depend on
/// `number`, the index of the first sequence in the run, so that they differ between batches and repeat on resuming.
struct Sequences {
  std::int64_t count = 0;
  std::int64_t length = 0;
  std::span<const Token> tokens;
  std::span<const Token> targets;
  std::span<const Language> languages{};
  std::int64_t number = 0;
  /// Recorded expert choices that the pass replays; null: the routers choose.
  const moe::RoutingReplay* routing = nullptr;
};

/// Means over a micro-batch: -log p of the next token (nats), and the sums over layers of the balance loss N sum f p
/// and of the router z-loss.
struct MicroBatchLoss {
  double loss = 0;
  double balance = 0;
  double z = 0;
};

/// Weights of the auxiliary losses.
struct AuxiliaryWeights {
  double balance = 0;
  double z = 0;
};

/// All that a checkpoint stores of a model's values: weights and buffers, and the optimizer state.
struct ModelTensors {
  std::vector<TensorRef> tensors, optimizer_state;

  /// Number of bytes of all values.
  std::size_t bytes() const {
    std::size_t sum = 0;
    for (const auto* list : {&tensors, &optimizer_state})
      for (const TensorRef& tensor : *list) sum += tensor.bytes;
    return sum;
  }
};

/// For each token of some sequences: -log p of its target (nats), and whether the target was the most probable token.
struct TokenScores {
  std::vector<double> losses;
  std::vector<std::uint8_t> hits;
};

class RunRanks;

class LanguageModel {
 public:
  virtual ~LanguageModel() = default;

  const ModelConfig& config() const { return config_; }
  int threads() const { return threads_; }
  /// Type of the weights and activations.
  ModelDtype dtype() const { return dtype_; }
  /// The model's tokenizer; the byte tokenizer by default.
  const std::shared_ptr<const Tokenizer>& tokenizer() const { return tokenizer_; }
  /// Throws UsageError if the vocabulary is smaller than the tokenizer's.
  void use_tokenizer(std::shared_ptr<const Tokenizer> tokenizer);
  /// The model's defaults for sampling, saved with it as generation_config.json.
  const GenerationConfig& generation() const { return generation_; }
  void set_generation(GenerationConfig generation) { generation_ = std::move(generation); }

  /// Whether no output depends on later tokens, so that text can be decoded one token at a time.
  virtual bool is_causal() const = 0;

  /// Where the experts are. Unless they are everywhere, other processes have weights that this one lacks, and all of
  /// them call accumulate(), score() and what decodes together.
  virtual ExpertPlacement placement() const { return ExpertPlacement::everywhere; }

  /// All weights, then all buffers. Throws Failure after read_in_place().
  virtual std::vector<TensorRef> tensors() = 0;
  /// Leaves the matrices in the files of `stored`, where inference reads them, and calls `read` with everything else.
  /// Results are bitwise identical to those of a model that has read all values. From then on the model can neither
  /// train nor be saved. Every matrix must fit as matrix_not_for_files() says. Returns the mapped files, in the order
  /// of TensorFolder::files(); the model keeps them mapped. Throws BadFile, IoError, std::bad_alloc.
  using ReadTensor = std::function<void(const TensorRef&)>;
  virtual std::vector<std::shared_ptr<const moe::io::FileMapping>> read_in_place(const StoredModel& stored,
                                                                                 const ReadTensor& read) = 0;
  /// Draws all matrices from N(0, deviation^2), keyed by seed and name.
  virtual void initialize(std::uint64_t seed, double deviation) = 0;

  // --- training -----------------------------------------------------------------------------------------------------

  /// From now on the model trains together with those of other ranks, which have the same weights: begin_training(),
  /// reduce_gradient(), gradient_norm() and step() are then called by all ranks together, and each rank has the
  /// optimizer state of some weights. Throws Failure for ranks of another device than the model's.
  virtual void train_on(const RunRanks& ranks) = 0;
  /// The number of slots of this rank in each step from now on: sums of gradients that are added in an order that does
  /// not depend on the number of ranks. 1 by default.
  virtual void use_slots(std::int64_t slots) = 0;
  /// Ends a slot: the micro-batches accumulated since the last one are its sum.
  virtual void end_slot() = 0;
  /// Called when all slots of a step have ended: sums them, over all ranks, at the owner of each weight.
  virtual void reduce_gradient() = 0;

  /// Allocates gradients and optimizer state for the trainable weights. With split or bfloat16 master weights in
  /// `precision`, these weights become bfloat16 now; throws UsageError if a finite weight would become infinite, or as
  /// require_master_weights(). `seed` is the key of stochastic rounding. The state is kept in `place`, with the same
  /// results; UsageError for StatePlace::host on the CPU, whose memory is the host's anyway. If there is not enough
  /// memory, throws a std::bad_alloc and changes nothing.
  virtual void begin_training(const moe::TrainByName& trains, AdamWPrecision precision = {}, std::uint64_t seed = 0,
                              StatePlace place = StatePlace::device) = 0;
  /// AdamW's moments of the trainable weights, `<weight>.exp_avg` and `<weight>.exp_avg_sq`, and the lower 16 bits of
  /// split weights, `<weight>.master_lower`; empty before begin_training(), and on several ranks those of the weights
  /// that this rank owns. With StatePlace::host they refer to the host's memory, where they may be read and written
  /// until the next step.
  virtual std::vector<TensorRef> optimizer_state() = 0;
  /// Requests the memory of all snapshots, as many bytes as the tensors and the optimizer state have: in pinned memory
  /// of the host for a model on a device. Throws std::bad_alloc.
  virtual void reserve_snapshots() = 0;
  /// The values at this moment, copied to host memory, which another thread may read while the model trains on; they
  /// cannot be written. Requests the memory if that has not been done since begin_training(). Throws moe::Error while
  /// the last snapshot exists: it ends with the last of its tensors.
  virtual ModelTensors snapshot() = 0;
  /// The gradients of the trainable weights, `<weight>.grad`; empty before begin_training().
  virtual std::vector<TensorRef> gradients() = 0;
  /// Forward and backward: adds the gradient of share * (mean loss + weighted auxiliary losses) to the accumulated
  /// gradient. With ActivationCheckpointing::on the activations inside layers are recomputed instead of kept; the
  /// results are the same.
  virtual MicroBatchLoss accumulate(const Sequences& batch, double share, AuxiliaryWeights weights,
                                    ActivationCheckpointing checkpointing = ActivationCheckpointing::off) = 0;
  /// The global norm of the gradient; not finite if any value is not finite.
  virtual double gradient_norm() const = 0;
  /// Updates the weights with `scale` times the gradient and the buffers with the statistics of the micro-batches, then
  /// clears gradient and statistics.
  virtual void step(const moe::AdamW& optimizer, double rate, std::int64_t step, double scale) = 0;
  /// Clears gradient and statistics without using them.
  virtual void discard_step() = 0;
  /// Updates the thresholds from a batch without training.
  virtual void calibrate(const Sequences& batch) = 0;

  /// Sets the random key of the routers for training. Inference has no key: a router that draws in inference, which no
  /// configurable architecture has, would draw the same numbers in every call.
  virtual void draw_by(moe::StepKey key) = 0;
  /// Calls `observer` with every routing decision from now on; an empty one ends this. Returns the previous observer.
  virtual moe::Observer observe(moe::Observer observer) = 0;

  // --- use ----------------------------------------------------------------------------------------------------------

  /// Scores every token with the inference routers.
  virtual TokenScores score(const Sequences& batch) const = 0;
  /// The logits after a text of at least one token, from a forward pass over all of it. `languages` is empty or has the
  /// language of each token.
  virtual std::vector<float> logits_after(std::span<const Token> text,
                                          std::span<const std::optional<Language>> languages = {}) const = 0;

  /// Sequences that are decoded together, each with its own length; causal models only. If the layers are batch
  /// invariant, the logits of a sequence are bitwise identical with up to seven other sequences in the batch.
  class Decoding {
   public:
    virtual ~Decoding() = default;
    /// Appends a sequence: reads the whole `text`, of at least one token, in one pass and returns the logits after it.
    /// `languages` is empty or has the language of each token.
    virtual std::vector<float> join(std::span<const Token> text,
                                    std::span<const std::optional<Language>> languages = {}) = 0;
    /// Appends one token to each sequence; returns the logits of the first sequence, then those of the next.
    /// `languages` is empty or has the language of each token.
    virtual std::vector<float> next(std::span<const Token> tokens,
                                    std::span<const std::optional<Language>> languages = {}) = 0;
    /// Keeps only these sequences, in this order; each index occurs at most once.
    virtual void keep(std::span<const std::int64_t> sequences) = 0;
  };
  /// Throws Failure if the model is not causal, UsageError if bfloat16 was requested and a finite weight would become
  /// infinite. A model in bfloat16, one on a device, and any after read_in_place() read their weights as they are,
  /// whatever `weights` says. The model must outlive the result, and its weights must not change.
  virtual std::unique_ptr<Decoding> begin_decoding(DecodingWeights weights = DecodingWeights::as_they_are) const = 0;

 protected:
  LanguageModel(ModelConfig config, int threads, ModelDtype dtype = ModelDtype::float32)
      : config_(std::move(config)), threads_(threads), dtype_(dtype) {}

 private:
  ModelConfig config_;
  int threads_;
  ModelDtype dtype_;
  std::shared_ptr<const Tokenizer> tokenizer_ = byte_tokenizer();
  GenerationConfig generation_;
};

/// A model of the configured architecture; norm weights are 1, everything else 0. On a GPU `dtype` must be bfloat16.
/// With `spread` each process has its part of the experts and memory for no other. Throws Failure if the program was
/// built without the CUDA Toolkit; moe::DeviceError if the GPU does not exist; std::bad_alloc if it has not enough
/// memory.
std::unique_ptr<LanguageModel> make_language_model(const ModelConfig& config, int threads,
                                                   ModelDtype dtype = ModelDtype::float32, const Device& device = {},
                                                   const ExpertSpread& spread = {});

/// Throws UsageError if a model of this dtype cannot be trained with these master weights: weights in bfloat16 have no
/// float32 of their own.
void require_master_weights(ModelDtype dtype, moe::MasterWeights master);

/// A mixture upcycled from a dense model, both in float32: experts and routers as `start` describes, everything else
/// copied. A LoRA starts equal to the dense model, a MoLE with the adapters that the dense weights are split into; both
/// use only the seed of `start`. Qwen1.5-MoE's experts are shards of the dense FFN (moe/train/split_into_experts.hpp).
/// Throws UsageError if `dense` is a mixture itself, if sizes differ, or if `start` requests more than the architecture
/// has.
std::unique_ptr<LanguageModel> upcycled(LanguageModel& dense, const MoeConfig& mixture, const moe::Upcycling& start);

/// The dense model with the same outputs as a LoRA in float32, up to rounding: every adapter is added to its weight.
/// Throws UsageError if `adapted` is not a LoRA.
std::unique_ptr<LanguageModel> merged(LanguageModel& adapted);

}  // namespace multipl_moe
