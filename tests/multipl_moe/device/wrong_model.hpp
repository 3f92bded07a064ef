/// A model that passes every call on to another one, for tests that plant an error in one of them.
#pragma once

#include <memory>
#include <utility>

#include "multipl_moe/model/language_model.hpp"

namespace multipl_moe::testing {

class WrongModel : public LanguageModel {
 public:
  explicit WrongModel(std::unique_ptr<LanguageModel> right)
      : LanguageModel(right->config(), right->threads(), right->dtype()), right_(std::move(right)) {}

  bool is_causal() const override { return right_->is_causal(); }
  std::vector<TensorRef> tensors() override { return right_->tensors(); }
  std::vector<std::shared_ptr<const moe::io::FileMapping>> read_in_place(const StoredModel& stored,
                                                                         const ReadTensor& read) override {
    return right_->read_in_place(stored, read);
  }
  void initialize(std::uint64_t seed, double deviation) override { right_->initialize(seed, deviation); }
  void train_on(const RunRanks& ranks) override { right_->train_on(ranks); }
  void use_slots(std::int64_t slots) override { right_->use_slots(slots); }
  void end_slot() override { right_->end_slot(); }
  void reduce_gradient() override { right_->reduce_gradient(); }
  void begin_training(const moe::TrainByName& trains, AdamWPrecision precision, std::uint64_t seed,
                      StatePlace place) override {
    right_->begin_training(trains, precision, seed, place);
  }
  std::vector<TensorRef> optimizer_state() override { return right_->optimizer_state(); }
  void reserve_snapshots() override { right_->reserve_snapshots(); }
  ModelTensors snapshot() override { return right_->snapshot(); }
  std::vector<TensorRef> gradients() override { return right_->gradients(); }
  MicroBatchLoss accumulate(const Sequences& batch, double share, AuxiliaryWeights weights,
                            ActivationCheckpointing checkpointing) override {
    return right_->accumulate(batch, share, weights, checkpointing);
  }
  double gradient_norm() const override { return right_->gradient_norm(); }
  void step(const moe::AdamW& optimizer, double rate, std::int64_t step, double scale) override {
    right_->step(optimizer, rate, step, scale);
  }
  void discard_step() override { right_->discard_step(); }
  void calibrate(const Sequences& batch) override { right_->calibrate(batch); }
  void draw_by(moe::StepKey key) override { right_->draw_by(key); }
  moe::Observer observe(moe::Observer observer) override { return right_->observe(std::move(observer)); }
  TokenScores score(const Sequences& batch) const override { return right_->score(batch); }
  std::vector<float> logits_after(std::span<const Token> text,
                                  std::span<const std::optional<Language>> languages) const override {
    return right_->logits_after(text, languages);
  }
  std::unique_ptr<Decoding> begin_decoding(DecodingWeights weights) const override {
    return right_->begin_decoding(weights);
  }

 private:
  std::unique_ptr<LanguageModel> right_;
};

}  // namespace multipl_moe::testing
